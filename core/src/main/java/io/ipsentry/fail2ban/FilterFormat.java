package io.ipsentry.fail2ban;

import io.ipsentry.line.Failure;
import io.ipsentry.line.LineFormat;
import io.ipsentry.line.LocalZone;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.line.TimestampFormat;
import io.ipsentry.net.Address;
import io.ipsentry.net.AddressParser;
import io.ipsentry.pattern.CaptureMatcher;
import io.ipsentry.pattern.PatternMatcher;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Lines as a filter of fail2ban reads them: a line that is a failure, or that the filter says is
 * none, is of the format ({@link RequestFacts#failure()}); any other is not.
 *
 * <p>The stamp is cut out, a line feed is put behind. What the expressions are tried on is that, or
 * what {@code prefregex} leaves of it, or the last lines together. Confined to one thread.
 */
public final class FilterFormat implements LineFormat {
  private static final List<String> IDENTITIES = List.of("ip4", "ip6", "dns", "fid");

  /** So many more failregexes than ignoreregexes make it pay to try the latter first. */
  private static final int IGNORE_FIRST = 2;

  private final CompiledFilter filter;
  private final DateFinder dates;
  private final @Nullable CaptureMatcher prefix;
  private final PatternMatcher failures;
  private final PatternMatcher ignored;
  private final CaptureMatcher[] failureMatchers;
  private final boolean ignoreFirst;
  private final Connections connections = new Connections();
  private final LineWindow window;
  private final TimestampFormat stamp;
  private final Address address = new Address();
  private byte[] scratch = new byte[512];
  private int scratchLength;
  private long stampMillis;

  // What the expressions are tried on.
  private byte[] text = scratch;
  private int textFrom;
  private int textTo;

  /**
   * A format for one stream.
   *
   * @param zone of stamps that name none
   */
  public FilterFormat(CompiledFilter filter, LocalZone zone) {
    this.filter = filter;
    dates = DateFinder.of(filter.dates, zone);
    prefix = filter.prefix.map(p -> p.pattern().matcher()).orElse(null);
    failures = filter.failureSet.matcher();
    ignored = filter.ignoredSet.matcher();
    failureMatchers =
        filter.failures.stream().map(f -> f.pattern().matcher()).toArray(CaptureMatcher[]::new);
    int ignores = filter.ignored.size();
    ignoreFirst = ignores > 0 && ignores < filter.failures.size() - IGNORE_FIRST;
    window = new LineWindow(filter.maxlines);
    stamp = (_, _, _) -> stampMillis;
  }

  @Override
  public String name() {
    return "fail2ban";
  }

  @Override
  public boolean parse(byte[] b, int from, int to, RequestFacts facts) {
    facts.clear();
    facts.line().set(b, from, to);
    boolean dated = dates.find(b, from, to);
    compose(b, from, to, dated ? dates.cutFrom() : to, dated ? dates.cutTo() : to);
    boolean many = filter.maxlines > 1;
    if (many) {
      window.add(scratch, 0, scratchLength);
      look(window.text());
    } else {
      text = scratch;
      textFrom = 0;
      textTo = scratchLength;
    }
    if (ignoreFirst && isIgnored(text, textFrom, textTo, facts)) {
      return true;
    }
    Map<String, String> values = new HashMap<>(0);
    if (prefix != null) {
      if (!prefix.find(text, textFrom, textTo)) {
        return false;
      }
      filter.prefix.orElseThrow().groups(prefix, text, values);
      narrow(values.remove("content") == null ? -1 : content());
    }
    int first = firstFailure();
    if (first < 0) {
      return false;
    }
    if (!ignoreFirst && !filter.ignored.isEmpty()) {
      byte[] matched = many && prefix == null ? part(first) : text;
      int begin = many && prefix == null ? 0 : textFrom;
      int end = many && prefix == null ? matched.length : textTo;
      if (isIgnored(matched, begin, end, facts)) {
        removeMatched(first);
        return true;
      }
    }
    stampMillis = dated ? dates.millis(b) : RequestFacts.NO_TIME;
    FilterExpression expression = filter.failures.get(first);
    expression.groups(failureMatchers[first], text, values);
    removeMatched(first);
    return failure(expression.written(), values, facts, dated, b);
  }

  private boolean failure(
      String expression,
      Map<String, String> values,
      RequestFacts facts,
      boolean dated,
      byte[] line) {
    String connection = values.get("mlfid");
    Map<String, String> told = values;
    if (connection != null) {
      told = connections.take(connection, values, stampMillis);
      if (told == null) {
        return false;
      }
    }
    String who = identity(told);
    if (who == null) {
      return false;
    }
    byte[] bytes = who.getBytes(StandardCharsets.UTF_8);
    boolean known =
        AddressParser.parse(bytes, 0, bytes.length, address)
            && filter.ignoreip.contains(address.hi(), address.lo());
    facts.client().set(bytes, 0, bytes.length);
    if (dated) {
      facts.time().set(line, dates.cutFrom(), dates.cutTo());
      facts.timeFormat(stamp);
    }
    facts.failure(new Failure(known ? "ignoreip" : expression, known, told));
    return true;
  }

  /** Whom a failure is about; null: nobody is named. */
  static @Nullable String identity(Map<String, String> values) {
    for (String name : IDENTITIES) {
      String value = values.get(name);
      if (value != null) {
        return value;
      }
    }
    return null;
  }

  /** The line without its stamp, with a line feed. */
  private void compose(byte[] b, int from, int to, int cutFrom, int cutTo) {
    int length = to - from - (cutTo - cutFrom) + 1;
    if (scratch.length < length) {
      scratch = new byte[Math.max(length, 2 * scratch.length)];
    }
    int before = cutFrom - from;
    System.arraycopy(b, from, scratch, 0, before);
    System.arraycopy(b, cutTo, scratch, before, to - cutTo);
    scratch[length - 1] = '\n';
    scratchLength = length;
  }

  private void look(byte[] at) {
    text = at;
    textFrom = 0;
    textTo = at.length;
  }

  private int content() {
    Integer group = filter.prefix.orElseThrow().pattern().group("content");
    return group == null ? -1 : group;
  }

  /** From here on only what a group of the prefix took is looked at, with a line feed. */
  private void narrow(int group) {
    CaptureMatcher match = prefix;
    if (match == null || group < 0 || match.end(group) <= match.start(group)) {
      return;
    }
    int start = match.start(group);
    int end = match.end(group);
    if (end < textTo && text[end] == '\n') {
      textFrom = start;
      textTo = end + 1;
    } else {
      byte[] content = Arrays.copyOfRange(text, start, end + 1);
      content[end - start] = '\n';
      look(content);
    }
  }

  /** Number of the first failregex that matches, with its groups known; or -1. */
  private int firstFailure() {
    int[] matched = failures.matched(failures.match(text, textFrom, textTo));
    for (int number : matched) {
      if (failureMatchers[number].find(text, textFrom, textTo)) {
        return number;
      }
    }
    return -1;
  }

  private boolean isIgnored(byte[] b, int from, int to, RequestFacts facts) {
    int[] matched = ignored.matched(ignored.match(b, from, to));
    if (matched.length == 0) {
      return false;
    }
    String expression = filter.ignored.get(matched[0]).written();
    facts.failure(new Failure(expression, true, Map.of()));
    return true;
  }

  private byte[] part(int failure) {
    return window.part(failureMatchers[failure].start(0), failureMatchers[failure].end(0));
  }

  private void removeMatched(int failure) {
    if (filter.maxlines == 1) {
      return;
    }
    if (prefix != null) {
      window.clear();
      return;
    }
    CaptureMatcher match = failureMatchers[failure];
    Map<String, String> values = new HashMap<>();
    filter.failures.get(failure).groups(match, text, values);
    List<String> skipped =
        values.entrySet().stream()
            .filter(value -> value.getKey().startsWith("skiplines"))
            .flatMap(value -> value.getValue().lines())
            .toList();
    window.remove(match.start(0), match.end(0), skipped);
  }

  /** Instructions that all lines took so far, in expressions and in patterns of stamps. */
  long steps() {
    long steps = dates.steps() + failures.steps() + ignored.steps();
    steps += prefix == null ? 0 : prefix.steps();
    for (CaptureMatcher matcher : failureMatchers) {
      steps += matcher.steps();
    }
    return steps;
  }

  @Override
  public Map<String, Long> stamps() {
    return dates.hits();
  }
}
