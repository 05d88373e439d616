package io.ipsentry.bench;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.LogCompaction;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Makes a store with bans that hold now, each of another address, that end within a day one after
 * another.
 *
 * <p>Arguments: file to make, number of bans, and {@code snapshot} for one as a {@code run} makes
 * it soon after so many events, of which there must be enough.
 */
final class BanStore {
  private static final int BATCH = 10_000;

  /** From 45.0.0.0 on: nothing there is protected. */
  private static final int FIRST = 0x2d00_0000;

  /** Odd, so that multiples of it modulo a power of two are all different. */
  private static final int STEP = 0x9e37_79b1;

  /** 45.0.0.0 to 46.255.255.255. */
  private static final int ADDRESSES = 1 << 25;

  private static final int LOOK_MILLIS = 200;

  private BanStore() {}

  public static void main(String[] args) throws InterruptedException {
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
      if (args.length > 2) {
        snapshot(log);
      }
    }
  }

  private static void snapshot(SqliteBanLog log) throws InterruptedException {
    BanWriter writer = BanWriter.start(log, InstantSource.system(), event -> {});
    try (LogCompaction _ =
        LogCompaction.start(log, writer, Optional::<Duration>empty, InstantSource.system())) {
      while (log.snapshot(Instant.MAX, ActiveBans.Limits.DEFAULT).isEmpty()) {
        Thread.sleep(LOOK_MILLIS);
      }
    }
  }
}
