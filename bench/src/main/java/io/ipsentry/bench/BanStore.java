package io.ipsentry.bench;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes a store with bans that hold now, each of another address, that end within a day one after
 * another.
 *
 * <p>Arguments: file to make, number of bans.
 */
final class BanStore {
  private static final int BATCH = 10_000;

  /** From 45.0.0.0 on: nothing there is protected. */
  private static final int FIRST = 0x2d00_0000;

  /** Odd, so that multiples of it modulo a power of two are all different. */
  private static final int STEP = 0x9e37_79b1;

  /** 45.0.0.0 to 46.255.255.255. */
  private static final int ADDRESSES = 1 << 25;

  private BanStore() {}

  public static void main(String[] args) {
    int count = Integer.parseInt(args[1]);
    if (count > ADDRESSES) {
      throw new IllegalArgumentException("at most " + ADDRESSES + " bans");
    }
    Instant now = Instant.now();
    try (SqliteBanLog log = SqliteBanLog.open(Path.of(args[0]))) {
      List<BanEvent> batch = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        batch.add(
            new BanEvent.Ban(
                now,
                IpPrefix.ofV4(FIRST + ((i * STEP) & (ADDRESSES - 1))),
                now.plus(Duration.ofHours(12)).plusMillis((long) i * 43_200_000 / count),
                "probing",
                "^/wp-login\\.php",
                3,
                SeenAs.PEER,
                "watcher",
                1,
                now,
                null));
        if (batch.size() == BATCH || i == count - 1) {
          log.append(log.head(), batch);
          batch.clear();
        }
      }
    }
  }
}
