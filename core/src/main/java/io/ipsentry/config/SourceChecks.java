package io.ipsentry.config;

import io.ipsentry.config.SourceConfig.Input;
import io.ipsentry.rule.Rule;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Finds files that two sources name for one rule, as far as the written paths tell. */
final class SourceChecks {
  private SourceChecks() {}

  /**
   * Warns at the later of two sources.
   *
   * @param places where each of {@code sources} is written
   */
  static void check(List<Value> places, List<SourceConfig> sources, List<Rule> rules) {
    for (int later = 1; later < sources.size(); later++) {
      for (int earlier = 0; earlier < later; earlier++) {
        SourceConfig first = sources.get(earlier);
        SourceConfig second = sources.get(later);
        Optional<Rule> rule =
            rules.stream()
                .filter(r -> r.on() == Rule.On.LOG && hears(r, first) && hears(r, second))
                .findFirst();
        Optional<String> both = inBoth(first.input(), second.input());
        if (rule.isPresent() && both.isPresent()) {
          places
              .get(later)
              .warn(
                  "names "
                      + both.get()
                      + ", as the source "
                      + first.name()
                      + " does, so the rule "
                      + rule.get().id().name()
                      + " gets these lines from "
                      + first.name()
                      + " only",
                  "name a file in one source, or give the rules sources");
          break;
        }
      }
    }
  }

  private static boolean hears(Rule rule, SourceConfig source) {
    Set<String> sources = rule.match().sources();
    boolean isFiltered = source.format().filter() != null;
    return sources.isEmpty()
        ? isFiltered == rule.match().failures()
        : sources.contains(source.name());
  }

  private static Optional<String> inBoth(Input first, Input second) {
    if (!(first instanceof Input.Files(List<String> a)
        && second instanceof Input.Files(List<String> b))) {
      return Optional.empty();
    }
    for (String one : a) {
      for (String other : b) {
        if (names(one, other)) {
          return Optional.of(other);
        }
        if (names(other, one)) {
          return Optional.of(one);
        }
      }
    }
    return Optional.empty();
  }

  /** Whether a glob names a path, or is the same glob. */
  private static boolean names(String glob, String path) {
    boolean isPlain = path.chars().noneMatch(c -> "*?[{".indexOf(c) >= 0);
    return glob.equals(path)
        || isPlain
            && FileSystems.getDefault().getPathMatcher("glob:" + glob).matches(Path.of(path));
  }
}
