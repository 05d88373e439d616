package io.ipsentry.banlog;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;

/** Events for tests of ban logs, told apart by their reason. */
public final class TestEvents {
  /** When everything happens. */
  public static final Instant T0 = Instant.parse("2026-11-21T07:00:00.123Z");

  private TestEvents() {}

  /** A ban of 203.0.113.7. */
  public static BanEvent ban(String reason) {
    return ban("203.0.113.7", reason);
  }

  /** A ban of a prefix. */
  public static BanEvent ban(String ip, String reason) {
    return new BanEvent.Ban(
        T0,
        IpPrefix.parse(ip),
        T0.plusSeconds(60),
        "probing",
        reason,
        3,
        SeenAs.PEER,
        "watcher",
        1,
        null,
        null);
  }

  /** Bans with the reasons {@code name-0}, {@code name-1}, … */
  public static List<BanEvent> bans(String name, int count) {
    return IntStream.range(0, count).mapToObj(i -> ban(name + '-' + i)).toList();
  }

  /**
   * Bans with the reasons {@code name-0}, {@code name-1}, … of addresses that return after 1,000
   * events, each a second after the one before.
   *
   * @param head number of the event before the first
   */
  static List<BanEvent> timedBans(String name, long head, int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> {
          long seq = head + 1 + i;
          Instant at = T0.plusSeconds(seq);
          return (BanEvent)
              new BanEvent.Ban(
                  at,
                  IpPrefix.ofV4(0xcb00_7100 + (int) (seq % 1_000)),
                  seq % 100 == 0 ? null : at.plusSeconds(60),
                  "probing",
                  name + '-' + i,
                  3,
                  SeenAs.PEER,
                  "watcher",
                  1,
                  null,
                  null);
        })
        .toList();
  }

  /** The reason of a ban. */
  public static String reason(BanEvent event) {
    return event instanceof BanEvent.Ban ban ? ban.reason() : "not a ban";
  }
}
