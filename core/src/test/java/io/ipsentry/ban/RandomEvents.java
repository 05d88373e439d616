package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Events about few prefixes, so that they meet each other. */
final class RandomEvents {
  private RandomEvents() {}

  static BanEvent event(Random random, Instant now) {
    Instant until = random.nextInt(5) == 0 ? null : now.plusMillis(random.nextInt(60_000));
    return switch (random.nextInt(10)) {
      case 0, 1 -> new BanEvent.Unban(now, prefix(random), "cli", "", edit(random));
      case 2 -> new BanEvent.Allow(now, prefix(random), until, "cli", "");
      case 3 -> new BanEvent.Disallow(now, prefix(random), "cli", "");
      default ->
          new BanEvent.Ban(
              now,
              prefix(random),
              until,
              "rule" + random.nextInt(3),
              "reason" + random.nextInt(3),
              random.nextInt(9),
              List.of(SeenAs.values()).get(random.nextInt(4)),
              "watcher",
              1 + random.nextInt(4),
              random.nextBoolean() ? now.minusMillis(random.nextInt(900)) : null,
              scope(random),
              edit(random));
    };
  }

  /** As {@link #event}, with numbers and times of all sizes. */
  static BanEvent wide(Random random, Instant now) {
    if (!(event(random, now) instanceof BanEvent.Ban ban)) {
      return new BanEvent.Unban(now, prefix(random), "cli", "");
    }
    long days = Duration.ofDays(random.nextInt(3) == 0 ? 3_000_000 : 100).toMillis();
    Instant evidence = now.plusMillis(random.nextLong(days / 2) - days / 3);
    return new BanEvent.Ban(
        now,
        ban.ip(),
        ban.until() == null ? null : now.plusMillis(random.nextLong(days)),
        ban.rule(),
        ban.reason(),
        random.nextInt() >>> random.nextInt(1, 32),
        ban.seenAs(),
        ban.by(),
        1 + (random.nextInt() >>> random.nextInt(2, 32)),
        ban.evidenceAt() == null || evidence.isBefore(Instant.EPOCH) ? null : evidence,
        ban.scope());
  }

  private static @Nullable String edit(Random random) {
    return random.nextInt(8) == 0 ? "object/" + random.nextInt(100) : null;
  }

  static @Nullable String scope(Random random) {
    return random.nextInt(4) == 0 ? "policy" + random.nextInt(3) : null;
  }

  static IpPrefix prefix(Random random) {
    return random.nextInt(3) == 0
        ? IpPrefix.of(0x2001_0db8_0000_0000L, random.nextInt(4), 64 + 8 * random.nextInt(9))
        : IpPrefix.ofV4(0xcb00_7100 | random.nextInt(8)).truncate(32 - random.nextInt(4));
  }
}
