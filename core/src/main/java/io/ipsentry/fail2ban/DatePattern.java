package io.ipsentry.fail2ban;

import io.ipsentry.pattern.CapturingPattern;
import io.ipsentry.pattern.InvalidPatternException;
import io.ipsentry.pattern.PatternSource;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a time stamp stands in a line, and how it is written: an expression with {@code strptime}
 * words in it.
 *
 * <p>Group 1 is what is cut out of the line; an expression without a group is one. It begins and
 * ends at the edge of a word, unless it begins with {@code {UNB}} or has {@code **} there. {@code
 * {^LN-BEG}} puts it at the begin of the line, behind two other characters at most. Immutable; safe
 * for any thread.
 */
final class DatePattern {
  /** What a match of the pattern tells. */
  enum Kind {
    /** Fields by the letters of {@code strptime}. */
    FIELDS,
    /** Seconds since the epoch. */
    EPOCH,
    /** Seconds, milliseconds or microseconds since the epoch. */
    LONG_EPOCH,
    /** Seconds since the epoch in hex, as of TAI64N. */
    TAI64N
  }

  private static final String UNBOUND = "{UNB}";
  private static final String LINE_BEGIN = "{^LN-BEG}";
  private static final Pattern OWN_GROUP = Pattern.compile("(?<!\\(\\?)(?<!\\\\)\\((?!\\?)");
  private static final Pattern SHAPE =
      Pattern.compile("((?:\\(\\?\\w+\\))?\\^?(?:\\(\\?\\w+\\))?)(.*?)(\\$?)", Pattern.DOTALL);
  private static final Pattern NO_EDGE_BEFORE =
      Pattern.compile("^\\(*(?:\\(\\?\\w+\\))?(?:\\^|\\(*\\*\\*|\\((?:\\?:)?\\^)");
  private static final Pattern NO_EDGE_BEHIND =
      Pattern.compile("(?<!\\\\)(?:\\$\\)?|\\\\b|\\\\s|\\*\\*\\)*)$");
  private static final Pattern STARS = Pattern.compile("^(\\(*(?:\\(\\?\\w+\\))?\\(*)\\*\\*");
  private static final Pattern STARS_BEHIND = Pattern.compile("(?<!\\\\)\\*\\*(\\)*)$");
  private static final Pattern ANCHORED =
      Pattern.compile("^(?:\\(\\?\\w+\\))?(?:\\^|\\((?:\\?:)?\\^(?!\\|))");
  private static final Pattern ANCHORED_BEHIND = Pattern.compile("(?<![\\\\|])(?:\\$\\)?)$");
  private static final Pattern WITH_LETTERS = Pattern.compile("(?<!%)%[aAbBpc]");
  private static final Pattern EPOCH_WORD =
      Pattern.compile("(?<!\\\\)\\{L?EPOCH\\}", Pattern.CASE_INSENSITIVE);
  private static final String SECONDS = "[0-9]{10,11}\\b(?:\\.[0-9]{3,6})?";
  private static final String LONG_SECONDS = "[0-9]{10,11}(?:[0-9]{3}(?:\\.[0-9]{1,6}|[0-9]{3})?)?";

  private final String written;
  private final Kind kind;
  private final boolean anchored;
  private final int valueGroup;
  private final CapturingPattern pattern;

  private DatePattern(String written, Kind kind, int valueGroup, String regex) {
    this.written = written;
    this.kind = kind;
    this.valueGroup = valueGroup;
    this.anchored = ANCHORED.matcher(regex).find() || ANCHORED_BEHIND.matcher(regex).find();
    try {
      pattern = CapturingPattern.compile(PatternSource.of(regex));
    } catch (InvalidPatternException e) {
      throw new Fail2banException("datepattern '" + written + "' cannot be used: " + e.reason(), e);
    }
  }

  /**
   * Compiles a pattern.
   *
   * @throws Fail2banException when it is no expression, or has a word that is not known
   */
  static DatePattern compile(String written) {
    String key = written.indexOf('%') < 0 ? written.toUpperCase(Locale.ROOT) : written;
    if (EPOCH_WORD.matcher(written).find()) {
      boolean isLong = key.contains("LEPOCH");
      String seconds = Matcher.quoteReplacement("(" + (isLong ? LONG_SECONDS : SECONDS) + ")");
      String regex = "(" + EPOCH_WORD.matcher(written).replaceAll(seconds) + ")";
      return new DatePattern(written, epoch(isLong), 2, bounded(regex, Edges.WORDS));
    }
    return switch (key) {
      case "EPOCH", "LEPOCH" -> {
        String seconds = key.startsWith("L") ? LONG_SECONDS : SECONDS;
        yield new DatePattern(
            written,
            epoch(key.startsWith("L")),
            1,
            "(?:^|(?<=^\\[)(?=[0-9.]+\\])|(?<=\\baudit\\()(?=[0-9.]+:[0-9]+\\)))("
                + seconds
                + ")(?=\\b|\\W|$)");
      }
      case "^EPOCH", "{^LN-BEG}EPOCH" ->
          new DatePattern(written, Kind.EPOCH, 1, bounded("(" + SECONDS + ")", Edges.LINE_BEGIN));
      case "^LEPOCH", "{^LN-BEG}LEPOCH" ->
          new DatePattern(
              written, Kind.LONG_EPOCH, 1, bounded("(" + LONG_SECONDS + ")", Edges.LINE_BEGIN));
      case "TAI64N" -> new DatePattern(written, Kind.TAI64N, 1, "(@[0-9a-f]{24})(?=\\b|\\W|$)");
      case "^TAI64N", "{^LN-BEG}TAI64N" ->
          new DatePattern(written, Kind.TAI64N, 1, bounded("(@[0-9a-f]{24})", Edges.LINE_BEGIN));
      case "{NONE}" -> new DatePattern(written, Kind.FIELDS, 1, "^()");
      default -> fields(written);
    };
  }

  private enum Edges {
    NONE,
    WORDS,
    LINE_BEGIN
  }

  private static DatePattern fields(String written) {
    String rest = written;
    Edges edges = Edges.WORDS;
    if (rest.startsWith(UNBOUND)) {
      rest = rest.substring(UNBOUND.length());
      edges = Edges.NONE;
    } else if (rest.startsWith(LINE_BEGIN)) {
      rest = rest.substring(LINE_BEGIN.length());
      edges = Edges.LINE_BEGIN;
    }
    String regex = DateWords.expand(rest);
    if (WITH_LETTERS.matcher(rest).find()) {
      regex = "(?i)" + regex;
    }
    return new DatePattern(written, Kind.FIELDS, 1, bounded(regex, edges));
  }

  private static String bounded(String expression, Edges edges) {
    String regex = expression.strip();
    String flags = "";
    if (regex.startsWith("(?i)")) {
      flags = "(?i)";
      regex = regex.substring(flags.length());
    }
    boolean before = edges != Edges.NONE && !NO_EDGE_BEFORE.matcher(regex).find();
    boolean behind = edges != Edges.NONE && !NO_EDGE_BEHIND.matcher(regex).find();
    if (!OWN_GROUP.matcher(regex).find()) {
      Matcher shape = SHAPE.matcher(regex);
      if (shape.matches()) {
        regex = shape.group(1) + "(" + shape.group(2) + ")" + shape.group(3);
      }
    }
    if (before) {
      regex = (edges == Edges.LINE_BEGIN ? "^(?:\\W{0,2})?" : "(?=^|\\b|\\W)") + regex;
    }
    if (behind) {
      regex += "(?=\\b|\\W|$)";
    }
    regex = STARS.matcher(regex).replaceFirst("$1");
    return flags + STARS_BEHIND.matcher(regex).replaceFirst("$1");
  }

  /** The same at another place: without edges of its own, for use within an expression. */
  static String unbound(String written) {
    String rest = written;
    for (String begin : new String[] {UNBOUND, LINE_BEGIN}) {
      rest = rest.startsWith(begin) ? rest.substring(begin.length()) : rest;
    }
    return rest;
  }

  private static Kind epoch(boolean isLong) {
    return isLong ? Kind.LONG_EPOCH : Kind.EPOCH;
  }

  /** As it is written. */
  String written() {
    return written;
  }

  Kind kind() {
    return kind;
  }

  /** Whether it can match at one place of a line only. */
  boolean anchored() {
    return anchored;
  }

  /** Group that holds the number of a {@link Kind} other than fields. */
  int valueGroup() {
    return valueGroup;
  }

  CapturingPattern pattern() {
    return pattern;
  }
}
