package io.ipsentry.bench.compare;

import io.ipsentry.testing.Programs;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Memory of a {@code run} that counts the hits of many addresses, none of which it bans. */
final class Tracked implements Bench.Part {
  private static final int ADDRESSES = 1_000_000;

  /** Comes last, and is banned. */
  private static final String LAST = "198.51.100.7";

  private static final int PATIENCE_SECONDS = 60;

  /** What a burst leaves behind is collected after a minute. */
  private static final int SETTLED_SECONDS = 65;

  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    Optional<String> reason = bench.leftOut(Subject.IP_SENTRY);
    if (reason.isPresent()) {
      bench.absent(Metric.MEMORY_TRACKED, Subject.IP_SENTRY, reason.get());
      return;
    }
    for (int round = 1; round <= bench.rounds(1); round++) {
      Path directory = bench.empty("tracked");
      Path log = Files.createFile(bench.empty("tracked-log").resolve("access.log"));
      try (Product.Running running = bench.ipSentry().start(null, directory, log)) {
        append(log, bench.size(ADDRESSES, ADDRESSES / 100));
        awaitBan(bench, directory);
        Thread.sleep(bench.size(SETTLED_SECONDS, 1) * 1_000L);
        double resident = Usage.residentMebibytes(running.pids());
        bench.add(Metric.MEMORY_TRACKED, Subject.IP_SENTRY, round, resident);
      }
    }
  }

  private static void append(Path log, int addresses) throws IOException {
    String rest =
        " - - [%s] \"GET /.env HTTP/1.1\" 404 153 \"-\" \"-\"%n"
            .formatted(Load.STAMP.format(Instant.now()));
    try (BufferedWriter out = Files.newBufferedWriter(log, StandardOpenOption.APPEND)) {
      for (int i = 0; i < addresses; i++) {
        out.write(Restore.address(i) + rest);
      }
      out.write((LAST + rest).repeat(Product.THRESHOLD));
    }
  }

  private static void awaitBan(Bench bench, Path directory) throws InterruptedException {
    String socket = directory.resolve("admin.sock").toString();
    List<String> list = bench.ipSentry().command(List.of("list", "--socket", socket));
    boolean isBanned =
        Stream.generate(() -> Programs.run(list))
            .limit(PATIENCE_SECONDS)
            .anyMatch(told -> told.contains(LAST));
    if (!isBanned) {
      throw new TooSlowException("no ban after " + PATIENCE_SECONDS + " looks");
    }
  }
}
