package io.ipsentry.cli;

import io.ipsentry.config.Pack;
import io.ipsentry.config.Pack.Kind;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.line.Slice;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Match;
import io.ipsentry.rule.PathPattern;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleMatcher;
import io.ipsentry.rule.RuleSet;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Says which entries of packs a request matches: all of them, where a rule takes the first of each
 * pack. Uses the matcher of the engine, with a rule for each entry. Confined to one thread.
 */
final class PackTrial {
  /**
   * An entry that matches.
   *
   * @param counts whether it counts with the status and the method of the request; where those are
   *     not known it does
   */
  record Found(Pack pack, Pack.Pattern entry, boolean counts) {}

  /**
   * A request, as far as it is known.
   *
   * @param status 0: not known
   */
  record Request(
      @Nullable String target, @Nullable String userAgent, @Nullable String method, int status) {}

  private record Entry(Pack pack, Pack.Pattern pattern) {}

  private final List<Entry> entries = new ArrayList<>();
  private final RuleMatcher matcher;

  PackTrial(List<Pack> packs) {
    List<Rule> rules = new ArrayList<>();
    for (Pack pack : packs) {
      for (Pack.Pattern pattern : pack.patterns()) {
        rules.add(rule("entry-" + entries.size(), pack.kind(), pattern.regex()));
        entries.add(new Entry(pack, pattern));
      }
    }
    matcher = RuleSet.compile(rules).matcher(Rule.On.LOG, null);
  }

  private static Rule rule(String name, Kind kind, String regex) {
    boolean path = kind == Kind.PATHS;
    Match match =
        new Match(
            path ? List.of(PathPattern.counting(regex)) : List.of(),
            null,
            null,
            Set.of(),
            List.of(),
            path ? List.of() : List.of(regex),
            List.of(),
            false,
            Set.of(),
            false);
    return new Rule(
        new RuleId(name),
        Rule.On.LOG,
        Rule.Mode.ENFORCE,
        match,
        Ignore.NOTHING,
        1,
        0,
        Duration.ofMinutes(2),
        BanTerms.DEFAULT);
  }

  List<Found> of(Request request) {
    RequestFacts facts = new RequestFacts();
    set(facts.target(), request.target());
    set(facts.userAgent(), request.userAgent());
    List<Found> found = new ArrayList<>();
    int hits = matcher.match(facts);
    for (int i = 0; i < hits; i++) {
      Entry entry = entries.get(matcher.rule(i));
      found.add(new Found(entry.pack(), entry.pattern(), counts(entry, request)));
    }
    return found;
  }

  private static boolean counts(Entry entry, Request request) {
    Set<String> methods = entry.pack().methods();
    boolean method =
        request.method() == null || methods.isEmpty() || methods.contains(request.method());
    boolean status =
        request.status() == 0
            || entry.pattern().status() == null
            || entry.pattern().status().contains(request.status());
    return method && status;
  }

  private static void set(Slice field, @Nullable String text) {
    if (text != null) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      field.set(bytes, 0, bytes.length);
    }
  }
}
