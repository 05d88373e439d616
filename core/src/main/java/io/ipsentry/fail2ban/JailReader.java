package io.ipsentry.fail2ban;

import io.ipsentry.fail2ban.Jail.Action;
import io.ipsentry.fail2ban.Jail.Note;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Rule;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads one jail with its filter. */
final class JailReader {
  private static final List<String> FIRST = List.of("enabled", "backend", "filter");

  private static final List<String> OPTIONS =
      List.of(
          "enabled",
          "backend",
          "maxretry",
          "findtime",
          "bantime",
          "bantime.increment",
          "bantime.factor",
          "bantime.formula",
          "bantime.multipliers",
          "bantime.maxtime",
          "bantime.rndtime",
          "bantime.overalljails",
          "ignorecommand",
          "ignoreself",
          "ignoreip",
          "filter",
          "logtimezone",
          "logencoding",
          "logpath",
          "action");

  /** One action of a list: a name with options in any number of brackets. */
  private static final Pattern ACTION =
      Pattern.compile("([^\\[\\s]+)((?:\\s*\\[(?:\"[^\"]*\"|'[^']*'|[^\\]\"'])*\\])*)");

  private static final String DEFAULT_MAXRETRY = "3";
  private static final String DEFAULT_TIME = "600";

  private final ConfigTree tree;
  private final ConfigSections jails;
  private final String name;
  private final double purgeSeconds;
  private final List<Note> notes = new ArrayList<>();
  private Map<String, String> options = Map.of();

  JailReader(ConfigTree tree, ConfigSections jails, String name, double purgeSeconds) {
    this.tree = tree;
    this.jails = jails;
    this.name = name;
    this.purgeSeconds = purgeSeconds;
  }

  Jail read() {
    try {
      return jail();
    } catch (Fail2banException e) {
      throw new Fail2banException("jail " + name + ": " + e.getMessage(), e);
    }
  }

  private Jail jail() {
    Map<String, String> first = values(FIRST, Map.of());
    boolean systemd = first.getOrDefault("backend", "auto").strip().startsWith("systemd");
    FilterReference reference = FilterReference.parse(first.getOrDefault("filter", ""));
    if (reference.name().isEmpty()) {
      throw new Fail2banException("it names no filter");
    }
    FilterReader filter = new FilterReader(tree, reference, systemd);
    Map<String, String> known = new HashMap<>();
    filter
        .options(first, true)
        .forEach((option, value) -> {
          if (!option.startsWith("known/") && !jails.has(name, "known/" + option)) {
            known.put("known/" + option, value);
          }
        });
    List<String> all = new ArrayList<>(OPTIONS);
    all.addAll(FilterReader.OF_ENGINE);
    options = values(all, known);
    Map<String, String> effective = new LinkedHashMap<>(filter.options(options, false));
    for (String option : FilterReader.OF_ENGINE) {
      String own = options.get(option);
      if (own != null) {
        effective.put(option, own);
      }
    }
    tellWhatDiffers();
    return new Jail(
        name,
        reference.name(),
        FilterReader.filter(effective),
        systemd ? List.of() : logs(),
        systemd ? JournalMatch.arguments(effective.getOrDefault("journalmatch", "")) : List.of(),
        option("logtimezone").filter(zone -> !zone.isBlank()).map(JailReader::zone),
        maxretry(),
        findtime(),
        ban(),
        words(option("ignoreip").orElse("")),
        jails.raw(name, "ignoreip").map(IniOption::place).orElse(""),
        actions(),
        notes);
  }

  private Map<String, String> values(List<String> wanted, Map<String, String> variables) {
    Map<String, String> values = new LinkedHashMap<>();
    for (String option : wanted) {
      jails.get(name, option, variables).ifPresent(value -> values.put(option, value));
    }
    return values;
  }

  private Optional<String> option(String option) {
    return Optional.ofNullable(options.get(option));
  }

  private void note(String option, String text) {
    String place = jails.raw(name, option).map(IniOption::place).orElse("");
    notes.add(new Note(place, text));
  }

  private List<String> logs() {
    List<String> logs = new ArrayList<>();
    for (String line : FilterReader.lines(option("logpath").orElse(""))) {
      String path = line.strip();
      int blank = path.lastIndexOf(' ');
      if (blank > 0 && List.of("head", "tail").contains(path.substring(blank + 1))) {
        path = path.substring(0, blank).strip();
      }
      if (!path.isEmpty()) {
        logs.add(path);
      }
    }
    if (logs.stream().anyMatch(path -> path.indexOf('\0') >= 0)) {
      throw new Fail2banException("logpath has a zero byte, which no path has");
    }
    if (logs.isEmpty()) {
      throw new Fail2banException("it has no logpath, and its backend is not systemd");
    }
    return logs;
  }

  private static ZoneOffset zone(String text) {
    int seconds = ZoneNames.offsetSeconds(text);
    if (Math.abs((long) seconds) > ZoneOffset.MAX.getTotalSeconds()) {
      throw new Fail2banException("logtimezone '" + text + "' is not known; write UTC+0200");
    }
    return ZoneOffset.ofTotalSeconds(seconds);
  }

  private int maxretry() {
    String text = option("maxretry").orElse(DEFAULT_MAXRETRY).strip();
    if (!text.matches("[0-9]{1,9}") || Integer.parseInt(text) < 1) {
      throw new Fail2banException("maxretry is '" + text + "', not a number from 1");
    }
    int maxretry = Integer.parseInt(text);
    if (maxretry > Rule.MAX_THRESHOLD) {
      note("maxretry", "maxretry is taken as " + Rule.MAX_THRESHOLD + ", the highest here");
    }
    return Math.min(maxretry, Rule.MAX_THRESHOLD);
  }

  private Duration findtime() {
    Duration findtime = duration("findtime", option("findtime").orElse(DEFAULT_TIME));
    if (findtime.compareTo(Rule.MAX_WINDOW) > 0) {
      note("findtime", "findtime is taken as 31 days, the longest here");
      return Rule.MAX_WINDOW;
    }
    return findtime;
  }

  private static Duration duration(String option, String text) {
    double seconds = TimeExpression.seconds(text);
    if (!(seconds >= 0.001 && seconds < 1e11)) {
      throw new Fail2banException(option + " is '" + text + "', which is no length above 0");
    }
    return Duration.ofMillis(Math.round(seconds * 1_000));
  }

  private BanTerms ban() {
    double seconds = TimeExpression.seconds(option("bantime").orElse(DEFAULT_TIME));
    if (seconds < 0) {
      return new BanTerms(null, null);
    }
    Duration bantime = duration("bantime", option("bantime").orElse(DEFAULT_TIME));
    if (!JailTree.truth(option("bantime.increment").orElse("false"))) {
      return new BanTerms(bantime, null);
    }
    return new BanTerms(
        bantime, new BanIncrement(options, purgeSeconds, this::note).escalation(bantime));
  }

  private List<Action> actions() {
    IniOption written = jails.raw(name, "action").orElse(null);
    String place = written == null ? "" : written.place();
    List<Action> actions = new ArrayList<>();
    Matcher each = ACTION.matcher(option("action").orElse(""));
    while (each.find()) {
      actions.add(new Action(each.group(1), place));
    }
    return actions;
  }

  private void tellWhatDiffers() {
    if (!option("ignorecommand").orElse("").isBlank()) {
      note("ignorecommand", "ignorecommand is not run; write the addresses in ignoreip");
    }
    if (!JailTree.truth(option("ignoreself").orElse("true"))) {
      note("ignoreself", "ignoreself = false: own addresses are never banned here");
    }
    String dns = option("usedns").orElse("warn");
    if (dns.equalsIgnoreCase("yes") || dns.equalsIgnoreCase("raw")) {
      note("usedns", "usedns = " + dns + ": names in lines are not looked up here");
    }
    String encoding = option("logencoding").orElse("auto").strip().toLowerCase(Locale.ROOT);
    if (!List.of("auto", "utf-8", "utf8", "ascii").contains(encoding)) {
      note("logencoding", "logencoding = " + encoding + ": lines are read as UTF-8 here");
    }
  }

  /** The words of a list that blanks, commas and line ends divide. */
  static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    for (String word : text.split("[ ,\n]+")) {
      if (!word.isBlank()) {
        words.add(word.strip());
      }
    }
    return words;
  }
}
