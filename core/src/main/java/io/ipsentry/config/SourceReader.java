package io.ipsentry.config;

import io.ipsentry.config.SourceConfig.Input;
import io.ipsentry.config.SourceConfig.Reader;
import io.ipsentry.config.SourceConfig.StartAt;
import io.ipsentry.config.YamlNode.Scalar;
import io.ipsentry.fail2ban.Fail2banException;
import io.ipsentry.fail2ban.Jail;
import io.ipsentry.fail2ban.JournalMatch;
import io.ipsentry.line.FormatOptions;
import io.ipsentry.line.InvalidFormatException;
import io.ipsentry.line.LineFormats;
import io.ipsentry.pattern.CapturingPattern;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads sources. */
final class SourceReader {
  /** Most sources of a configuration; a glob is one source, however many files it finds. */
  static final int MAX_SOURCES = 1_000;

  /** Most paths and globs of one source. */
  static final int MAX_GLOBS = 1_000;

  /** Longest log name of the access-log service, in characters. */
  static final int MAX_LOG_NAME_LENGTH = 256;

  private static final List<String> INPUTS =
      List.of("file", "journald", "stdin", "pods", "als", "fail2ban");

  /** Keys that say how lines are written, in one way or another. */
  private static final List<String> OF_ONE_FORMAT =
      List.of("format", "regex", "logRegex", "filter", "client");

  /** Keys that say something about lines. */
  private static final List<String> OF_LINES =
      List.of("format", "regex", "logRegex", "filter", "timeZone", "startAt");

  private static final Map<String, StartAt> START_AT =
      Map.of("end", StartAt.END, "beginning", StartAt.BEGINNING);

  private static final Map<String, Reader> READERS =
      Map.of("watcher", Reader.WATCHER, "agent", Reader.AGENT);

  private final AddressLists addresses;
  private final Problems problems;
  private final Path directory;
  private final TrustedProxies defaultProxies;
  private final Map<String, Integer> names = new HashMap<>();
  private final Map<String, Integer> logNames = new HashMap<>();
  private Optional<Value> accessLogs = Optional.empty();
  private final List<Value> pods = new ArrayList<>();
  private final Fail2banReader fail2ban;
  private final List<Value> places = new ArrayList<>();
  private final List<Jailed> jails = new ArrayList<>();

  /**
   * A jail of fail2ban that has become a source.
   *
   * @param name of the source, and of the rule to come
   */
  record Jailed(Jail jail, String name, Value place) {}

  SourceReader(
      AddressLists addresses,
      Fail2banReader fail2ban,
      Problems problems,
      Path directory,
      TrustedProxies defaultProxies) {
    this.addresses = addresses;
    this.fail2ban = fail2ban;
    this.problems = problems;
    this.directory = directory;
    this.defaultProxies = defaultProxies;
  }

  /** Names of all sources, those that could not be read too. */
  Set<String> names() {
    return Set.copyOf(names.keySet());
  }

  /** The first {@code als} of a source. */
  Optional<Value> accessLogs() {
    return accessLogs;
  }

  /** Every {@code pods} of a source. */
  List<Value> pods() {
    return List.copyOf(pods);
  }

  /** Where each of the sources that could be read is written; one place may stand for several. */
  List<Value> places() {
    return List.copyOf(places);
  }

  /** The jails that have become sources. */
  List<Jailed> jails() {
    return List.copyOf(jails);
  }

  /** The sources of the list that could be read. */
  List<SourceConfig> sources(Value list) {
    List<Value> items = list.items();
    if (items.size() > MAX_SOURCES) {
      list.error("has more than " + MAX_SOURCES + " sources", "use globs");
      return List.of();
    }
    List<SourceConfig> sources = new ArrayList<>();
    for (Value item : items) {
      Optional<Section> section = item.section(Keys.SOURCE);
      List<SourceConfig> read =
          section.isPresent() && section.get().has("fail2ban")
              ? jails(section.get())
              : section.flatMap(this::source).stream().toList();
      for (SourceConfig source : read) {
        sources.add(source);
        places.add(item);
      }
    }
    return sources;
  }

  /** A source for each jail; rules and metrics call it by the source's name and the jail's. */
  private List<SourceConfig> jails(Section section) {
    Value value = section.get("fail2ban").orElseThrow();
    for (String key : OF_ONE_FORMAT) {
      section.get(key).ifPresent(of -> of.error("is said by the jails of fail2ban", "remove it"));
    }
    Optional<String> prefix = section.get("name").flatMap(Names::read);
    List<SourceConfig> sources = new ArrayList<>();
    for (Jail jail : fail2ban.jails(value)) {
      String name = Names.from(prefix.map(p -> p + ".").orElse("") + jail.name());
      int before = problems.errorCount();
      claim(section, name);
      FormatConfig format = FormatConfig.of(jail.filter().ignoring(fail2ban.ignored(jail, value)));
      Input input =
          jail.logs().isEmpty()
              ? new Input.Journald(List.of(), jail.journal(), Optional.empty())
              : new Input.Files(jail.logs().stream().map(this::absolute).toList());
      SourceConfig source = source(section, name, input, format, jail.logTimezone().orElse(null));
      if (problems.errorCount() == before) {
        sources.add(source);
        jails.add(new Jailed(jail, name, value));
      }
    }
    return sources;
  }

  private String absolute(String path) {
    return path.startsWith("/") ? path : directory + "/" + path;
  }

  private Optional<SourceConfig> source(Section section) {
    int before = problems.errorCount();
    Optional<Input> input = input(section);
    Optional<String> written = section.get("name").flatMap(Names::read);
    String name =
        written.orElseGet(() -> derivedName(input.orElse(new Input.Stdin()), names.keySet()));
    claim(section, name);
    SourceConfig source =
        source(section, name, input.orElse(new Input.Stdin()), format(section, input), null);
    return problems.errorCount() == before ? Optional.of(source) : Optional.empty();
  }

  /** Notes a name; two of one are an error. */
  private void claim(Section section, String name) {
    Integer first = names.putIfAbsent(name, section.whole().place().at().line());
    if (first != null) {
      section
          .get("name")
          .orElse(section.whole())
          .error(
              "there are two sources of the name " + name + ", the first in line " + first,
              "give one of them another name");
    }
  }

  private SourceConfig source(
      Section section, String name, Input input, FormatConfig format, @Nullable ZoneId otherwise) {
    return new SourceConfig(
        name,
        input,
        format,
        section.get("timeZone").flatMap(SourceReader::zone).orElse(otherwise),
        section.get("client").flatMap(ClientReader::ofLines).orElse(ClientConfig.AUTO),
        section.get("trustedProxies").map(addresses::proxies).orElse(defaultProxies),
        section.get("seenAs").flatMap(value -> value.choice(ClientReader.SEEN_AS)).orElse(null),
        section.get("startAt").flatMap(value -> value.choice(START_AT)).orElse(StartAt.END),
        reader(section, Optional.of(input)));
  }

  /** A node has files and a journal; everything else comes to one process alone. */
  private static Reader reader(Section section, Optional<Input> input) {
    Optional<Reader> written = section.get("reader").flatMap(value -> value.choice(READERS));
    boolean ofNode =
        input.isEmpty()
            || input.get() instanceof Input.Files
            || input.get() instanceof Input.Journald;
    if (written.equals(Optional.of(Reader.AGENT)) && !ofNode) {
      section
          .get("reader")
          .orElseThrow()
          .error("is agent, which reads files and the journal of its node", "remove it");
    }
    return written.orElse(Reader.WATCHER);
  }

  private Optional<Input> input(Section section) {
    List<String> given = INPUTS.stream().filter(section::has).toList();
    if (given.size() != 1) {
      section
          .whole()
          .error(
              given.isEmpty() ? "reads nothing" : "has " + String.join(" and ", given),
              "write one of file, journald, stdin, pods, als and fail2ban");
      return Optional.empty();
    }
    Value value = section.get(given.get(0)).orElseThrow();
    return switch (given.get(0)) {
      case "file" -> files(value);
      case "journald" -> journald(value);
      case "pods" -> pods(value, section);
      case "als" -> accessLogService(value, section);
      default -> stdin(value);
    };
  }

  private Optional<Input> files(Value value) {
    List<String> globs = new ArrayList<>();
    for (Value item : value.items()) {
      item.text()
          .ifPresent(glob -> {
            if (glob.indexOf('\0') >= 0) {
              item.error("has a zero byte, which no path has", "remove it");
            } else {
              globs.add(glob.startsWith("/") ? glob : directory + "/" + glob);
            }
          });
    }
    if (globs.isEmpty() || globs.size() > MAX_GLOBS) {
      value.error(
          "names " + globs.size() + " files", "write 1 to " + MAX_GLOBS + " paths or globs");
      return Optional.empty();
    }
    return Optional.of(new Input.Files(globs));
  }

  private Optional<Input> journald(Value value) {
    return value
        .section(Keys.JOURNALD)
        .map(section ->
            new Input.Journald(
                section.get("units").map(Value::texts).orElse(List.of()),
                section.get("matches").map(SourceReader::matches).orElse(List.of()),
                section
                    .get("directory")
                    .flatMap(Value::text)
                    .map(path -> path.startsWith("/") ? path : directory + "/" + path)));
  }

  private static List<String> matches(Value value) {
    try {
      return JournalMatch.arguments(String.join("\n", value.texts()));
    } catch (Fail2banException e) {
      value.error(String.valueOf(e.getMessage()), "write such as _SYSTEMD_UNIT=ssh.service");
      return List.of();
    }
  }

  private Optional<Input> pods(Value value, Section section) {
    pods.add(value);
    section
        .get("startAt")
        .ifPresent(at ->
            at.error("is for files; pods are read from the longest window back", "remove it"));
    return PodsReader.pods(value);
  }

  private Optional<Input> accessLogService(Value value, Section section) {
    accessLogs = accessLogs.or(() -> Optional.of(value));
    for (String key : OF_LINES) {
      section
          .get(key)
          .ifPresent(of -> of.error("is for lines, and an entry of als is none", "remove it"));
    }
    if (value.node() instanceof Scalar scalar && scalar.text().equals("false")) {
      value.error("is false, so the source takes nothing", "write true, or remove the source");
      return Optional.empty();
    }
    if (value.node() instanceof Scalar scalar && scalar.plain() && scalar.text().equals("true")) {
      takeLogName("", value);
      return Optional.of(new Input.AccessLogService(List.of()));
    }
    List<String> taken = new ArrayList<>();
    for (Value item : value.items()) {
      Optional<String> name = item.text();
      if (name.isPresent() && name.get().length() > MAX_LOG_NAME_LENGTH) {
        item.error(
            "is longer than " + MAX_LOG_NAME_LENGTH + " characters", "write Envoy's log_name");
      } else if (name.isPresent()) {
        takeLogName(name.get(), item);
        taken.add(name.get());
      }
    }
    if (taken.isEmpty()) {
      value.error("takes nothing", "write true for every log, or a list of log names");
      return Optional.empty();
    }
    return Optional.of(new Input.AccessLogService(taken));
  }

  private void takeLogName(String name, Value value) {
    Integer first = logNames.putIfAbsent(name, value.place().at().line());
    if (first != null) {
      value.error(
          (name.isEmpty() ? "every log" : "the log " + Problems.quoted(name))
              + " is taken by the source in line "
              + first
              + " already",
          "remove it from one of the two");
    }
  }

  private static Optional<Input> stdin(Value value) {
    Optional<Boolean> wanted = value.truth();
    if (wanted.isPresent() && !wanted.get()) {
      value.error("is false, so the source reads nothing", "write true, or remove the source");
      return Optional.empty();
    }
    return wanted.map(_ -> new Input.Stdin());
  }

  private static String derivedName(Input input, Set<String> taken) {
    String base =
        switch (input) {
          case Input.Files files -> {
            String glob = files.globs().get(0);
            yield Names.from(glob.substring(glob.lastIndexOf('/') + 1));
          }
          case Input.Journald journald ->
              journald.units().isEmpty() ? "journald" : Names.from(journald.units().get(0));
          case Input.Stdin _ -> "stdin";
          case Input.Pods in -> Names.from(in.container().orElse(in.namespace()));
          case Input.AccessLogService service ->
              service.logNames().isEmpty() ? "als" : Names.from(service.logNames().get(0));
        };
    String name = base;
    for (int i = 2; taken.contains(name); i++) {
      name = base.substring(0, Math.min(base.length(), 58)) + "-" + i;
    }
    return name;
  }

  private FormatConfig format(Section section, Optional<Input> input) {
    if (input.orElse(new Input.Stdin()) instanceof Input.AccessLogService) {
      return FormatConfig.ACCESS_LOG_SERVICE;
    }
    if (section.has("filter")) {
      return filter(section);
    }
    int before = problems.errorCount();
    Optional<CapturingPattern> regex = section.get("regex").flatMap(Expressions::capturing);
    Optional<CapturingPattern> logRegex = section.get("logRegex").flatMap(Expressions::capturing);
    boolean hasRegex = section.has("regex") || section.has("logRegex");
    String otherwise = PodsReader.preset(section).map(PodsReader.Preset::format).orElse("auto");
    String name = section.get("format").flatMap(Value::text).orElse(hasRegex ? "regex" : otherwise);
    checkName(section, name, hasRegex);
    checkGroups(section, regex, logRegex);
    FormatConfig config =
        new FormatConfig(
            name,
            regex.map(SourceReader::text).orElse(null),
            logRegex.map(SourceReader::text).orElse(null));
    if (problems.errorCount() == before) {
      tryOut(config, section);
    }
    return config;
  }

  private FormatConfig filter(Section section) {
    for (String key : OF_ONE_FORMAT) {
      boolean says = key.equals("filter") || key.equals("format");
      section
          .get(key)
          .filter(of -> !says)
          .ifPresent(of -> of.error("is no part of a filter", "remove it"));
    }
    section
        .get("format")
        .filter(format -> !format.text().equals(Optional.of("fail2ban")))
        .ifPresent(format ->
            format.error("is another one, but there is a filter too", "remove one of them"));
    return section
        .get("filter")
        .flatMap(fail2ban::filter)
        .map(FormatConfig::of)
        .orElse(FormatConfig.AUTO);
  }

  private static void checkName(Section section, String name, boolean hasRegex) {
    Optional<Value> format = section.get("format");
    if (name.equals("fail2ban")) {
      format
          .orElseThrow()
          .error(
              "is fail2ban, but there is no filter",
              "write filter: { failregex: … }, or fail2ban: { directory: /etc/fail2ban }");
    } else if (!FormatFacts.formats().contains(name)) {
      format
          .orElseThrow()
          .error(
              "there is no format " + Problems.quoted(name),
              Value.suggestion(name, FormatFacts.formats()));
    } else if (hasRegex && !name.equals("regex")) {
      format
          .orElseThrow()
          .error(
              "is " + name + ", but there is an expression too",
              "write format: regex, or remove the expression");
    } else if (name.equals("regex") && section.has("regex") == section.has("logRegex")) {
      section
          .whole()
          .error(
              hasRegex ? "has regex and logRegex" : "has the format regex, but no expression",
              "write either regex (groups by name) or logRegex (group 1 address, group 2 path)");
    }
  }

  private static void checkGroups(
      Section section, Optional<CapturingPattern> regex, Optional<CapturingPattern> logRegex) {
    if (regex.isPresent() && !FormatFacts.namesAddress(regex.get())) {
      section
          .get("regex")
          .orElseThrow()
          .error(
              "has no group addr, so nobody could be banned",
              "write (?<addr>\\S+) where the address stands");
    }
    if (logRegex.isPresent() && logRegex.get().groupCount() == 0) {
      section
          .get("logRegex")
          .orElseThrow()
          .error("has no group", "put the address into group 1 and the path into group 2");
    }
  }

  /** What is left to complain of is what the format itself finds. */
  private static void tryOut(FormatConfig config, Section section) {
    FormatOptions options =
        FormatOptions.of(ZoneOffset.UTC, () -> Instant.EPOCH)
            .withRegex(config.regex(), config.logRegex());
    try {
      LineFormats.named(config.name(), options);
    } catch (InvalidFormatException e) {
      section
          .get("regex")
          .or(() -> section.get("logRegex"))
          .orElse(section.whole())
          .error(String.valueOf(e.getMessage()), "see the groups in docs/configuration.md");
    }
  }

  private static String text(CapturingPattern pattern) {
    return pattern.source().regex();
  }

  private static Optional<ZoneId> zone(Value value) {
    Optional<String> text = value.text();
    try {
      return text.map(ZoneId::of);
    } catch (DateTimeException e) {
      value.error(
          Problems.quoted(text.orElse("")) + " is not a time zone",
          "write a name such as Europe/Berlin, or an offset such as +02:00");
      return Optional.empty();
    }
  }
}
