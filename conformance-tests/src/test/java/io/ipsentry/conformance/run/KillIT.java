package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.traffic.AccessLogStyle;
import io.ipsentry.testing.traffic.SampleRequest;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code run} killed with SIGKILL at random moments while a writer appends and rotates: nothing is
 * lost, nothing counts twice.
 *
 * <p>Each address hits one pattern one to four times and three are banned: a lost hit leaves an
 * address of three unbanned, a doubled one bans an address of two. Hits of an address lie far
 * apart, so that kills come between them.
 */
final class KillIT {
  private static final int ADDRESSES = 4_000;
  private static final int ROTATIONS = 4;
  private static final int KILLS = Integer.getInteger("test.kills", 8);

  @TempDir private Path directory;

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void run_killedAtRandomMoments_endsWithTheBansOfAnUndisturbedRun() throws Exception {
    long seed = Long.getLong("test.seed", System.nanoTime());
    System.out.println("KillIT seed: -Dtest.seed=" + seed);
    Random random = new Random(seed);
    Path log = directory.resolve("access.log");
    List<SampleRequest> requests = requests(random);
    Files.createFile(log);
    try (RunningIpSentry ipSentry = RunningIpSentry.start(directory, config(log))) {
      CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> write(log, requests));
      for (int i = 0; i < KILLS; i++) {
        // A random moment is the point here; there is nothing to wait for.
        TimeUnit.MILLISECONDS.sleep(random.nextInt(1_500));
        ipSentry.kill();
        ipSentry.launch();
      }
      writer.get(5, TimeUnit.MINUTES);

      int expected = (int) IntStream.range(0, ADDRESSES).filter(i -> hits(i) >= 3).count();
      await("all bans")
          .atMost(RunningIpSentry.PATIENCE)
          .until(() -> ipSentry.metric("ip_sentry_bans_active").orElse(0) >= expected);
      await("end of the log")
          .atMost(RunningIpSentry.PATIENCE)
          .until(
              () -> ipSentry.metric("ip_sentry_source_lag_bytes{source=\"log\"}").orElse(1) == 0);

      List<Map<String, String>> events = ipSentry.history();
      assertThat(events).allSatisfy(event -> assertThat(event).containsEntry("hits", "3"));
      assertThat(events.stream().map(event -> event.get("ip")).toList())
          .doesNotHaveDuplicates()
          .containsExactlyInAnyOrderElementsOf(
              IntStream.range(0, ADDRESSES)
                  .filter(i -> hits(i) >= 3)
                  .mapToObj(KillIT::address)
                  .toList());
      assertThat(events.stream().map(event -> Long.parseLong(event.getOrDefault("seq", "0"))))
          .as("seq without gaps")
          .containsExactlyInAnyOrderElementsOf(
              IntStream.rangeClosed(1, expected).mapToObj(Long::valueOf).toList());
    }
  }

  private static String config(Path log) {
    return """
    sources:
      - name: log
        file: %s
        format: combined
        startAt: beginning
    rules:
      - name: probing
        match: { packs: [default] }
        threshold: 3
        window: 1h
        ban: { for: 24h }
    limits: { maxNewBansPerMinute: 1000000 }
    """
        .formatted(log);
  }

  /** One to four. */
  private static int hits(int number) {
    return 1 + number % 4;
  }

  private static String address(int number) {
    return "198.18." + number / 250 + "." + (1 + number % 250);
  }

  /** All hits in random order, with as many ordinary requests between them. */
  private static List<SampleRequest> requests(Random random) {
    Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    List<SampleRequest> requests = new ArrayList<>();
    for (int number = 0; number < ADDRESSES; number++) {
      for (int hit = 0; hit < hits(number); hit++) {
        requests.add(request(now, address(number), "/.env"));
        requests.add(request(now, address(number), "/index.html"));
      }
    }
    Collections.shuffle(requests, random);
    return requests;
  }

  private static SampleRequest request(Instant at, String address, String target) {
    return new SampleRequest(at, address, "GET", "app.example", target, 404, 0, "test", null);
  }

  /** Appends in small pieces, now and then half a line, and renames the file a few times. */
  private static void write(Path log, List<SampleRequest> requests) {
    int share = requests.size() / ROTATIONS;
    try {
      for (int rotation = 0; rotation < ROTATIONS; rotation++) {
        List<SampleRequest> part = requests.subList(rotation * share, (rotation + 1) * share);
        try (BufferedWriter out =
            Files.newBufferedWriter(
                log,
                StandardCharsets.UTF_8,
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND)) {
          for (int i = 0; i < part.size(); i += 20) {
            String lines =
                part.subList(i, Math.min(i + 20, part.size())).stream()
                    .map(AccessLogStyle.COMBINED::line)
                    .collect(Collectors.joining("\n", "", "\n"));
            int half = lines.length() / 2;
            out.write(lines, 0, half);
            out.flush();
            // Slow enough that the kills fall into the writing.
            TimeUnit.MILLISECONDS.sleep(10);
            out.write(lines, half, lines.length() - half);
            out.flush();
          }
        }
        if (rotation < ROTATIONS - 1) {
          rename(log, rotation + 1);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the log", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** As logrotate does: access.log.1 becomes access.log.2, access.log becomes access.log.1. */
  private static void rename(Path log, int rotations) throws IOException {
    for (int i = rotations; i >= 1; i--) {
      Path from = i == 1 ? log : log.resolveSibling("access.log." + (i - 1));
      Files.move(from, log.resolveSibling("access.log." + i), StandardCopyOption.ATOMIC_MOVE);
    }
  }
}
