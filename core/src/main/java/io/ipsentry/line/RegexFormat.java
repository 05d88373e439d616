package io.ipsentry.line;

import io.ipsentry.pattern.CaptureMatcher;
import io.ipsentry.pattern.CapturingPattern;
import io.ipsentry.pattern.InvalidPatternException;
import io.ipsentry.pattern.PatternSource;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Lines of any kind, by a regular expression of the configuration.
 *
 * <p>Groups are found by name, letter case and {@code _} aside:
 *
 * <table>
 *   <caption>Names of groups, all but the address optional</caption>
 *   <tr><td>address</td><td>{@code addr}, {@code address}, {@code ip}, {@code client}, {@code client_ip}</td></tr>
 *   <tr><td>source of the packets</td><td>{@code peer}</td></tr>
 *   <tr><td>forwarded list</td><td>{@code xff}, {@code forwarded}</td></tr>
 *   <tr><td>time, in any known form</td><td>{@code time}, {@code timestamp}, {@code ts}</td></tr>
 *   <tr><td>request line</td><td>{@code request}</td></tr>
 *   <tr><td>request</td><td>{@code method}, {@code host} or {@code vhost}, {@code path}, {@code target},
 *       {@code uri} or {@code url}, {@code status}, {@code origin_status}, {@code user_agent} or {@code ua}</td></tr>
 * </table>
 *
 * <p>An expression without a group for the request finds failed logins or the like: every line that
 * matches is one ({@link RequestFacts#authFailure()}). For example {@code crm_auth_failure
 * ip=(?<addr>\S+)}.
 *
 * <p>The original ip-sentry's {@code logRegex} has no names: group 1 is the address, group 2 the
 * path.
 */
final class RegexFormat implements LineFormat {
  private enum Role {
    ADDRESS(List.of("addr", "address", "ip", "client", "clientip")),
    PEER(List.of("peer")),
    FORWARDED(List.of("xff", "forwarded", "forwardedfor", "xforwardedfor")),
    TIME(List.of("time", "timestamp", "ts")),
    REQUEST(List.of("request")),
    METHOD(List.of("method")),
    HOST(List.of("host", "vhost")),
    TARGET(List.of("path", "target", "uri", "url")),
    STATUS(List.of("status")),
    ORIGIN_STATUS(List.of("originstatus")),
    USER_AGENT(List.of("useragent", "ua"));

    private final List<String> names;

    Role(List<String> names) {
      this.names = names;
    }

    static @Nullable Role named(String group) {
      String plain = group.replace("_", "").toLowerCase(Locale.ROOT);
      for (Role role : values()) {
        if (role.names.contains(plain)) {
          return role;
        }
      }
      return null;
    }
  }

  private static final int ABSENT = -1;

  private final CaptureMatcher matcher;
  private final TimestampFormat time;
  private final int address;
  private final int peer;
  private final int forwarded;
  private final int stamp;
  private final int request;
  private final int method;
  private final int host;
  private final int target;
  private final int status;
  private final int originStatus;
  private final int userAgent;
  private final boolean failure;

  private RegexFormat(CapturingPattern pattern, Map<Role, Integer> groups, TimestampFormat time) {
    this.matcher = pattern.matcher();
    this.time = time;
    address = groups.getOrDefault(Role.ADDRESS, ABSENT);
    peer = groups.getOrDefault(Role.PEER, ABSENT);
    forwarded = groups.getOrDefault(Role.FORWARDED, ABSENT);
    stamp = groups.getOrDefault(Role.TIME, ABSENT);
    request = groups.getOrDefault(Role.REQUEST, ABSENT);
    method = groups.getOrDefault(Role.METHOD, ABSENT);
    host = groups.getOrDefault(Role.HOST, ABSENT);
    target = groups.getOrDefault(Role.TARGET, ABSENT);
    status = groups.getOrDefault(Role.STATUS, ABSENT);
    originStatus = groups.getOrDefault(Role.ORIGIN_STATUS, ABSENT);
    userAgent = groups.getOrDefault(Role.USER_AGENT, ABSENT);
    failure = target == ABSENT && request == ABSENT && status == ABSENT;
  }

  /**
   * @param regex expression with named groups
   * @throws InvalidFormatException when it is wrong, has no group for an address, or two for one
   *     field
   */
  static RegexFormat named(String regex, TimestampFormat time) {
    CapturingPattern pattern = compile(regex);
    Map<Role, Integer> groups = new EnumMap<>(Role.class);
    for (Map.Entry<String, Integer> group : pattern.groupNames().entrySet()) {
      Role role = Role.named(group.getKey());
      if (role != null && groups.put(role, group.getValue()) != null) {
        throw new InvalidFormatException(
            "regex: the group \""
                + group.getKey()
                + "\" names a field that another group names too");
      }
    }
    if (!groups.containsKey(Role.ADDRESS)
        && !groups.containsKey(Role.PEER)
        && !groups.containsKey(Role.FORWARDED)) {
      throw new InvalidFormatException(
          "regex: no group holds the client's address; write (?<addr>\\S+) where it stands");
    }
    return new RegexFormat(pattern, groups, time);
  }

  /**
   * @param logRegex expression whose group 1 is the address and group 2, if there is one, the path
   * @throws InvalidFormatException when it is wrong or has no group
   */
  static RegexFormat numbered(String logRegex, TimestampFormat time) {
    CapturingPattern pattern = compile(logRegex);
    if (pattern.groupCount() < 1) {
      throw new InvalidFormatException(
          "logRegex: no group; group 1 must hold the client's address and group 2 the path");
    }
    Map<Role, Integer> groups = new EnumMap<>(Role.class);
    groups.put(Role.ADDRESS, 1);
    if (pattern.groupCount() > 1) {
      groups.put(Role.TARGET, 2);
    }
    return new RegexFormat(pattern, groups, time);
  }

  private static CapturingPattern compile(String regex) {
    try {
      return CapturingPattern.compile(PatternSource.of(regex));
    } catch (InvalidPatternException e) {
      throw new InvalidFormatException("expression of the format: " + e.getMessage(), e);
    }
  }

  @Override
  public String name() {
    return "regex";
  }

  @Override
  public boolean parse(byte[] b, int from, int to, RequestFacts facts) {
    facts.clear();
    facts.line().set(b, from, to);
    if (!matcher.find(b, from, to)) {
      return false;
    }
    set(facts.client(), b, address);
    set(facts.peer(), b, peer);
    set(facts.forwardedFor(), b, forwarded);
    set(facts.time(), b, stamp);
    facts.timeFormat(time);
    if (request != ABSENT && matcher.start(request) >= 0) {
      RequestLine.split(b, matcher.start(request), matcher.end(request), facts);
    }
    set(facts.method(), b, method);
    set(facts.host(), b, host);
    set(facts.target(), b, target);
    set(facts.userAgent(), b, userAgent);
    facts.status(number(b, status));
    facts.originStatus(number(b, originStatus));
    facts.authFailure(failure);
    return true;
  }

  private void set(Slice slice, byte[] b, int group) {
    if (group != ABSENT) {
      int start = matcher.start(group);
      int end = matcher.end(group);
      if (start >= 0 && (end - start > 1 || end - start == 1 && b[start] != '-')) {
        slice.set(b, start, end);
      }
    }
  }

  private int number(byte[] b, int group) {
    if (group == ABSENT || matcher.start(group) < 0) {
      return 0;
    }
    int number = Digits.number(b, matcher.start(group), matcher.end(group));
    return number < 0 || number > 999 ? 0 : number;
  }
}
