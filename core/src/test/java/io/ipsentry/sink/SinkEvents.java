package io.ipsentry.sink;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Events for tests of sinks. */
public final class SinkEvents {
  /** When they were decided. */
  public static final Instant AT = Instant.parse("2026-11-21T07:00:00.123Z");

  private SinkEvents() {}

  /** Bans with these numbers, of 10 minutes. */
  public static List<SequencedEvent> bans(long from, long to) {
    return LongStream.rangeClosed(from, to)
        .mapToObj(seq ->
            new SequencedEvent(
                seq,
                ban(IpPrefix.ofV4(0xcb00_7100 + (int) (seq % 200)), AT, Duration.ofMinutes(10))))
        .toList();
  }

  /** A ban; without a length it is permanent. */
  public static BanEvent.Ban ban(IpPrefix ip, Instant at, @Nullable Duration length) {
    return new BanEvent.Ban(
        at,
        ip,
        length == null ? null : at.plus(length),
        "probing",
        "^/wp-admin",
        3,
        SeenAs.PEER,
        "watcher",
        1,
        null,
        null);
  }
}
