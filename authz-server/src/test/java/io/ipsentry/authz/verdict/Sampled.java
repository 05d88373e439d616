package io.ipsentry.authz.verdict;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.Optional;

/** Requests that are said to have been judged. */
public final class Sampled {
  private static final Instant AT = Instant.parse("2026-11-21T07:00:00Z");

  private Sampled() {}

  /** One of a client. */
  public static void request(RecentChecks to, String client, String target) {
    add(
        to,
        target,
        Optional.of(new CheckedRequest.Client(IpPrefix.parse(client), SeenAs.FORWARDED)));
  }

  /** One whose client was not found. */
  public static void without(RecentChecks to, String target) {
    add(to, target, Optional.empty());
  }

  private static void add(RecentChecks to, String target, Optional<CheckedRequest.Client> client) {
    to.add(new CheckedRequest(AT, "", "shop.example", PathHash.of(target), client));
  }
}
