package io.ipsentry.bench;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.LogCompaction;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;

/**
 * How long a start takes with a long ban log: folding all of it, and from a snapshot with the
 * events behind it.
 *
 * <p>Arguments: file to make, number of events, addresses among which they are spread.
 */
final class StoreStart {
  private static final int BATCH = 10_000;
  private static final int TAIL = 10_000;
  private static final Instant T0 = Instant.parse("2026-01-01T00:00:00Z");

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private StoreStart() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    Path file = Path.of(args[0]);
    int events = Integer.parseInt(args[1]);
    int addresses = Integer.parseInt(args[2]);
    try (SqliteBanLog log = SqliteBanLog.open(file)) {
      Random random = new Random(1);
      append(log, events, addresses, random);
      say("fold of all", file, log, events);
      BanWriter writer = BanWriter.start(log, InstantSource.system(), event -> {});
      long began = System.nanoTime();
      LogCompaction compaction =
          LogCompaction.start(log, writer, Optional::<Duration>empty, InstantSource.system());
      while (log.snapshot(Instant.MAX, ActiveBans.Limits.DEFAULT).isEmpty()) {
        Thread.sleep(100);
      }
      compaction.close();
      System.out.printf(Locale.ROOT, "snapshot made in < %.2f s%n", seconds(began));
      append(log, TAIL, addresses, random);
      say("snapshot and " + TAIL + " events", file, log, events);
    }
  }

  private static void say(String what, Path file, SqliteBanLog log, int events) throws IOException {
    long began = System.nanoTime();
    long cpuBegan = THREADS.getCurrentThreadCpuTime();
    ActiveBans state = BanWriter.start(log, InstantSource.system(), event -> {}).state();
    System.out.printf(
        Locale.ROOT,
        "%,d events, %,d remembered, %,d MB: start by %s %.2f s, %.2f s of processor time%n",
        events,
        state.counts(T0).remembered(),
        Files.size(file) >> 20,
        what,
        seconds(began),
        (THREADS.getCurrentThreadCpuTime() - cpuBegan) / 1e9);
  }

  private static double seconds(long began) {
    return (System.nanoTime() - began) / 1e9;
  }

  private static void append(SqliteBanLog log, int count, int addresses, Random random) {
    List<BanEvent> batch = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Instant at = T0.plusMillis(log.head() + batch.size());
      batch.add(
          new BanEvent.Ban(
              at,
              IpPrefix.ofV4(0x2d00_0000 + random.nextInt(addresses)),
              at.plus(Duration.ofHours(24)),
              "probing",
              "^/wp-login\\.php",
              3,
              SeenAs.PEER,
              "watcher",
              1,
              at,
              null));
      if (batch.size() == BATCH || i == count - 1) {
        log.append(log.head(), batch);
        batch.clear();
      }
    }
  }
}
