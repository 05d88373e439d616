package io.ipsentry.config;

import io.ipsentry.config.Pack.Defaults;
import io.ipsentry.config.Pack.Kind;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Match;
import io.ipsentry.rule.PathPattern;
import io.ipsentry.rule.PathPattern.Mode;
import io.ipsentry.rule.StatusSet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Reads what a rule looks for and what it ignores. */
final class MatchReader {
  /** Most path patterns of one rule, packs included. */
  static final int MAX_PATTERNS = 20_000;

  private static final Map<String, Mode> MODES =
      Map.of("block", Mode.BLOCK, "allow", Mode.ALLOW, "count", Mode.COUNT);

  private final InputFiles files;
  private final Problems problems;
  private final Path directory;
  private final Set<String> sourceNames;
  private final Map<String, Optional<Pack>> packs = new HashMap<>();

  MatchReader(InputFiles files, Problems problems, Path directory, Set<String> sourceNames) {
    this.files = files;
    this.problems = problems;
    this.directory = directory;
    this.sourceNames = sourceNames;
  }

  /**
   * What a rule looks for.
   *
   * @param defaults of its packs together: what a rule takes that does not say it itself
   */
  record Read(Match match, Defaults defaults) {
    static final Read NOTHING = new Read(Match.ofPaths(List.of()), Defaults.NONE);
  }

  /** Reads {@code match}; empty when it is no mapping. */
  Optional<Read> match(Value value) {
    return value.section(Keys.MATCH).map(this::match);
  }

  private Read match(Section section) {
    boolean anyStatus = section.get("anyStatus").flatMap(Value::truth).orElse(false);
    Map<String, PathPattern> paths = new LinkedHashMap<>();
    Set<String> userAgents = new LinkedHashSet<>();
    List<Pack> named = section.get("packs").map(this::packs).orElse(List.of());
    addPacks(named, anyStatus, paths, userAgents);
    Set<String> packMethods = named.isEmpty() ? Set.of() : named.getFirst().methods();
    section.get("paths").ifPresent(list -> paths(list, paths));
    section.get("userAgents").map(Expressions::list).ifPresent(userAgents::addAll);
    if (paths.size() > MAX_PATTERNS) {
      section.whole().error("has more than " + MAX_PATTERNS + " path patterns", "make two rules");
    }
    Match match =
        new Match(
            List.copyOf(paths.values()),
            section.get("status").flatMap(MatchReader::status).orElse(null),
            section.get("originStatus").flatMap(MatchReader::status).orElse(null),
            section.get("methods").map(MatchReader::methods).orElse(packMethods),
            section.get("hosts").map(Expressions::list).orElse(List.of()),
            List.copyOf(userAgents),
            section.get("messages").map(Expressions::list).orElse(List.of()),
            section.get("authFailures").flatMap(Value::truth).orElse(false),
            section.get("failures").flatMap(Value::truth).orElse(false),
            section.get("sources").map(this::sources).orElse(Set.of()),
            section.get("ignoreCase").flatMap(Value::truth).orElse(false));
    return new Read(match, together(named));
  }

  /**
   * What packs say together, so that none of them bans earlier than it would alone: the highest
   * numbers and the shortest window. Different patterns are not counted if one of them does not.
   */
  private static Defaults together(List<Pack> packs) {
    List<Defaults> said =
        packs.stream().map(Pack::defaults).filter(d -> !d.equals(Defaults.NONE)).toList();
    boolean distinct = said.stream().allMatch(d -> d.distinct() > 0);
    return new Defaults(
        said.stream().mapToInt(Defaults::threshold).max().orElse(0),
        distinct ? said.stream().mapToInt(Defaults::distinct).max().orElse(0) : 0,
        said.stream()
            .map(Defaults::window)
            .filter(Objects::nonNull)
            .min(Comparator.naturalOrder())
            .orElse(null));
  }

  /** Reads a list of packs that judges requests, whatever their status. */
  Match packsOfRequests(Value list) {
    Map<String, PathPattern> paths = new LinkedHashMap<>();
    Set<String> userAgents = new LinkedHashSet<>();
    List<Pack> named = packs(list);
    addPacks(named, true, paths, userAgents);
    return new Match(
        List.copyOf(paths.values()),
        null,
        null,
        named.isEmpty() ? Set.of() : named.getFirst().methods(),
        List.of(),
        List.copyOf(userAgents),
        List.of(),
        false,
        Set.of(),
        false);
  }

  private static void addPacks(
      List<Pack> packs, boolean anyStatus, Map<String, PathPattern> paths, Set<String> userAgents) {
    for (Pack pack : packs) {
      for (Pack.Pattern pattern : pack.patterns()) {
        if (pack.kind() == Kind.USER_AGENTS) {
          userAgents.add(pattern.regex());
        } else {
          StatusSet status = anyStatus ? null : pattern.status();
          paths.putIfAbsent(pattern.regex(), new PathPattern(pattern.regex(), Mode.COUNT, status));
        }
      }
    }
  }

  /** Reads {@code ignore}; empty when it is no mapping. */
  Optional<Ignore> ignore(Value value) {
    return value
        .section(Keys.IGNORE)
        .map(section ->
            new Ignore(
                section.get("paths").map(Expressions::list).orElse(List.of()),
                section.get("status").flatMap(MatchReader::status).orElse(null),
                section.get("methods").map(MatchReader::methods).orElse(Set.of()),
                section.get("hosts").map(Expressions::list).orElse(List.of()),
                section.get("userAgents").map(Expressions::list).orElse(List.of()),
                section.get("messages").map(Expressions::list).orElse(List.of())));
  }

  private List<Pack> packs(Value list) {
    List<Pack> read = new ArrayList<>();
    for (Value item : list.items()) {
      item.text().flatMap(name -> pack(item, name)).ifPresent(read::add);
    }
    if (read.stream().map(Pack::kind).distinct().count() > 1) {
      list.error(
          "has packs of paths and packs of user agents, and a request would have to match both",
          "make two rules");
    } else if (read.stream().map(Pack::methods).distinct().count() > 1) {
      list.error(
          "has packs that count all requests and packs that count those of some methods",
          "make two rules");
    }
    return read;
  }

  private Optional<Pack> pack(Value item, String name) {
    boolean isPath = name.contains("/") || name.endsWith(".yaml") || name.endsWith(".yml");
    if (isPath) {
      return packs.computeIfAbsent(name, unread -> packFile(item, unread));
    }
    Optional<String> renamed = Packs.renamed(name);
    if (renamed.isPresent()) {
      item.warn("the pack " + name + " is now called " + renamed.get(), "write " + renamed.get());
    }
    Optional<Pack> shipped = Packs.find(renamed.orElse(name));
    if (shipped.isEmpty()) {
      item.error(
          "there is no pack " + Problems.quoted(name),
          Value.suggestion(name, Packs.names())
              + " (a pack of your own is named by its path, such as ./mine.yaml)");
    }
    return shipped;
  }

  private Optional<Pack> packFile(Value item, String name) {
    Path file = directory.resolve(name).normalize();
    return files
        .read(file, YamlReader.MAX_BYTES, item.place())
        .flatMap(yaml -> new PackReader(problems).read(file.toString(), yaml));
  }

  private static void paths(Value list, Map<String, PathPattern> paths) {
    for (Value item : list.items()) {
      Optional<PathPattern> pattern =
          item.isMapping()
              ? item.section(Keys.PATH).flatMap(MatchReader::path)
              : Expressions.read(item).map(PathPattern::counting);
      // What is written in the rule itself says more than a pack does.
      pattern.ifPresent(path -> paths.put(path.regex(), path));
    }
  }

  private static Optional<PathPattern> path(Section section) {
    Mode mode = section.get("mode").flatMap(value -> value.choice(MODES)).orElse(Mode.COUNT);
    boolean onlyClientErrors = section.get("onlyClientErrors").flatMap(Value::truth).orElse(false);
    Optional<Value> own = section.get("status");
    if (onlyClientErrors && own.isPresent()) {
      own.get().error("says what onlyClientErrors says too", "write one of the two");
    }
    StatusSet status =
        onlyClientErrors ? StatusSet.CLIENT_ERRORS : own.flatMap(MatchReader::status).orElse(null);
    return section
        .require("regex", "write regex: and the expression")
        .flatMap(Expressions::read)
        .map(regex -> new PathPattern(regex, mode, status));
  }

  /** Reads {@code 404}, {@code "400,401,403-499"} or {@code [404, 500-599]}. */
  static Optional<StatusSet> status(Value value) {
    List<Value> items = value.items();
    String text =
        items.stream().map(Value::text).flatMap(Optional::stream).collect(Collectors.joining(","));
    if (text.isEmpty()) {
      if (items.isEmpty()) {
        value.error("has no status", "write statuses such as 400,401,403-499");
      }
      return Optional.empty();
    }
    try {
      return Optional.of(StatusSet.parse(text));
    } catch (IllegalArgumentException e) {
      String[] parts = String.valueOf(e.getMessage()).split("; ", 2);
      value.error(parts[0], parts.length > 1 ? parts[1] : "write 400,401,403-499");
      return Optional.empty();
    }
  }

  /** Reads names of methods, upper case. */
  static Set<String> methods(Value value) {
    Set<String> methods = new LinkedHashSet<>();
    for (Value item : value.items()) {
      Optional<String> method = item.text();
      if (method.isPresent() && !method.get().matches("[A-Za-z]{1,32}")) {
        item.error(
            Problems.quoted(method.get()) + " is not an HTTP method", "write a list: [GET, POST]");
      } else {
        method.ifPresent(name -> methods.add(name.toUpperCase(Locale.ROOT)));
      }
    }
    return methods;
  }

  private Set<String> sources(Value value) {
    Set<String> named = new LinkedHashSet<>();
    for (Value item : value.items()) {
      Optional<String> name = item.text();
      if (name.isPresent() && !sourceNames.contains(name.get())) {
        item.error(
            "there is no source " + Problems.quoted(name.get()),
            Value.suggestion(name.get(), sourceNames));
      }
      name.ifPresent(named::add);
    }
    return named;
  }
}
