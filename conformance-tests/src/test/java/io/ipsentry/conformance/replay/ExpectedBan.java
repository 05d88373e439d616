package io.ipsentry.conformance.replay;

import java.time.Instant;
import java.util.Map;

/**
 * A ban as {@code replay -o json} prints it.
 *
 * @param ip address, or the /64 of an IPv6 address
 * @param bannedAt event time of the hit that decided
 * @param expiresAt when it ends
 * @param rule that decided
 * @param hitCount hits of that rule in the window, the deciding one included
 */
record ExpectedBan(String ip, Instant bannedAt, Instant expiresAt, String rule, int hitCount) {

  static ExpectedBan of(Map<String, String> json) {
    return new ExpectedBan(
        member(json, "ip"),
        Instant.parse(member(json, "banned_at")),
        Instant.parse(member(json, "expires_at")),
        member(json, "rule"),
        Integer.parseInt(member(json, "hit_count")));
  }

  private static String member(Map<String, String> json, String name) {
    String value = json.get(name);
    if (value == null) {
      throw new AssertionError("no member " + name + " in " + json);
    }
    return value;
  }
}
