package io.ipsentry.config;

import io.ipsentry.fail2ban.CompiledFilter;
import io.ipsentry.fail2ban.Fail2banException;
import io.ipsentry.fail2ban.Filter;
import io.ipsentry.fail2ban.Jail;
import io.ipsentry.fail2ban.JailTree;
import io.ipsentry.fail2ban.TreeFiles;
import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.pattern.PatternMatcher;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Match;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Reads what comes from fail2ban: jails of a configuration tree, and filters written here. */
final class Fail2banReader {
  /** Most jails of one source. */
  static final int MAX_JAILS = 500;

  private static final int MAX_FILE_BYTES = 1 << 20;
  private static final String FILE = "file:";

  private final InputFiles files;
  private final AddressLists addresses;
  private final Path directory;

  /**
   * @param directory what relative paths start from
   */
  Fail2banReader(InputFiles files, AddressLists addresses, Path directory) {
    this.files = files;
    this.addresses = addresses;
    this.directory = directory;
  }

  /** Reads {@code fail2ban}: the jails that are wanted and can be used. */
  List<Jail> jails(Value value) {
    Optional<Section> section = value.section(Keys.FAIL2BAN);
    if (section.isEmpty()) {
      return List.of();
    }
    Optional<Value> written = section.get().get("directory");
    String tree = written.flatMap(Value::text).orElse("/etc/fail2ban");
    if (tree.indexOf('\0') >= 0) {
      written.orElseThrow().error("has a zero byte, which no path has", "remove it");
      return List.of();
    }
    try {
      JailTree jails = new JailTree(directory.resolve(tree), new Tree());
      Optional<Value> chosen = section.get().get("jails");
      List<String> names = chosen.map(Value::texts).orElseGet(jails::enabled);
      if (names.isEmpty() || names.size() > MAX_JAILS) {
        value.error(
            "runs " + names.size() + " jails of " + tree,
            "write jails: and 1 to " + MAX_JAILS + " names of " + shortened(jails.names()));
        return List.of();
      }
      return names.stream()
          .distinct()
          .map(name -> jail(jails, name, chosen.orElse(value)))
          .flatMap(Optional::stream)
          .toList();
    } catch (Fail2banException e) {
      value.error(String.valueOf(e.getMessage()), "correct directory:, or mend it there");
      return List.of();
    }
  }

  private static String shortened(List<String> names) {
    return String.join(", ", names.subList(0, Math.min(names.size(), 10)))
        + (names.size() > 10 ? ", …" : "");
  }

  private Optional<Jail> jail(JailTree jails, String name, Value value) {
    try {
      Jail jail = jails.jail(name);
      String of = "jail " + name + ": ";
      for (Jail.Note note : jail.notes()) {
        value.warn(of + note, "see docs/fail2ban.md");
      }
      compile(jail.filter(), of, value);
      return Optional.of(jail);
    } catch (Fail2banException e) {
      report(value, e);
      return Optional.empty();
    }
  }

  private static void report(Value value, Fail2banException e) {
    value.error(
        String.valueOf(e.getMessage()), "mend it there, or name in jails: those that can be used");
  }

  /** Says which expressions take more than linear time. */
  private static void compile(Filter filter, String of, Value value) {
    CompiledFilter.compile(filter)
        .bounded()
        .forEach((expression, construct) ->
            value.warn(
                of
                    + Problems.quoted(expression)
                    + " has a "
                    + construct
                    + ", so it gives up after "
                    + PatternMatcher.STEP_BUDGET
                    + " steps",
                "nothing has to be done; a line that costs more is no failure"));
  }

  /** The addresses whose failures a jail does not count. */
  PrefixSet ignored(Jail jail, Value value) {
    List<IpPrefix> prefixes = new ArrayList<>();
    PrefixSet listed = PrefixSet.empty();
    for (String text : jail.ignoreip()) {
      if (text.startsWith(FILE)) {
        listed = listed.union(addresses.listFile(value, text.substring(FILE.length())));
        continue;
      }
      try {
        prefixes.add(IpPrefix.parse(text));
      } catch (InvalidAddressException e) {
        value.warn(
            "jail "
                + jail.name()
                + ": ignoreip has "
                + Problems.quoted(text)
                + ", which is no address: "
                + e.reason(),
            "names are not looked up; write its addresses");
      }
    }
    return PrefixSet.of(prefixes).union(listed);
  }

  /** The rule of a jail, for the lines of its source. */
  static Rule rule(Jail jail, String name, Rule.Mode mode) {
    Match match =
        new Match(
            List.of(),
            null,
            null,
            Set.of(),
            List.of(),
            List.of(),
            List.of(),
            false,
            true,
            Set.of(name),
            false);
    return new Rule(
        new RuleId(name),
        Rule.On.LOG,
        mode,
        match,
        Ignore.NOTHING,
        jail.maxretry(),
        0,
        jail.findtime(),
        jail.ban());
  }

  /** Reads {@code filter}: one that is written in the document. */
  Optional<Filter> filter(Value value) {
    return value
        .section(Keys.FILTER)
        .flatMap(section -> {
          if (section.require("failregex", "write what is a failure, with <HOST>").isEmpty()) {
            return Optional.empty();
          }
          int maxlines =
              section
                  .get("maxlines")
                  .map(lines -> lines.integer(1, Filter.MAX_LINES).orElse(1))
                  .orElse(1);
          try {
            Filter filter =
                new Filter(
                    section.get("failregex").map(Value::texts).orElse(List.of()),
                    section.get("ignoreregex").map(Value::texts).orElse(List.of()),
                    section.get("prefregex").flatMap(Value::text),
                    maxlines,
                    section.get("datepattern").map(Value::texts).orElse(List.of()),
                    !section
                        .get("usedns")
                        .flatMap(Value::text)
                        .orElse("warn")
                        .equalsIgnoreCase("no"),
                    section.get("ignoreip").map(addresses::spared).orElse(PrefixSet.empty()));
            compile(filter, "", value);
            return Optional.of(filter);
          } catch (Fail2banException e) {
            value.error(String.valueOf(e.getMessage()), "see docs/fail2ban.md");
            return Optional.empty();
          }
        });
  }

  /** The files of the tree, watched like the configuration itself. */
  private final class Tree implements TreeFiles {
    @Override
    public Optional<byte[]> read(Path file) {
      return files.readIfThere(file, MAX_FILE_BYTES);
    }

    @Override
    public List<Path> list(Path in) {
      if (!Files.isDirectory(in)) {
        return List.of();
      }
      try (Stream<Path> found = Files.list(in)) {
        return found.toList();
      } catch (IOException _) {
        // As good as empty, as a file that cannot be read is as good as absent.
        return List.of();
      }
    }
  }
}
