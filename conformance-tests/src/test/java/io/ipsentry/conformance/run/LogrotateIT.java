package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.traffic.AccessLogStyle;
import io.ipsentry.testing.traffic.SampleRequest;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real logrotate, and {@code run} killed with SIGKILL before or after a rotation.
 *
 * <p>As in {@link KillIT}, each address hits one to four times and three are banned: a lost hit
 * leaves an address of three unbanned, a doubled one bans an address of two. The hits of an address
 * are spread over all parts of the log.
 */
@RequiresProgram("logrotate")
final class LogrotateIT {
  private static final int ADDRESSES = 1_000;
  private static final int ROTATIONS = 8;

  /** What is done with the program around a rotation; in random order. */
  private enum Around {
    KILLED_BEFORE,
    KILLED_AFTER,
    RUNNING
  }

  @TempDir private Path directory;
  private final long seed = Long.getLong("test.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final List<String> lines = new ArrayList<>();
  private @Nullable FileChannel out;
  private int written;

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void run_createWithDelayedCompression_countsEveryLineOnce() throws Exception {
    rotateAndKill("create\n compress\n delaycompress");
  }

  /** The writer goes on in the renamed file until it is told; only then it is compressed. */
  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void run_compressedAtOnceAfterTheWriterReopened_countsEveryLineOnce() throws Exception {
    rotateAndKill("create\n compress\n postrotate\n echo reopen; read answer\n endscript");
  }

  /** Here the writer does not write while logrotate copies: what comes then is lost to anybody. */
  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void run_copyTruncate_countsNoLineTwice() throws Exception {
    List<String> banned = rotateAndKillOnly("copytruncate");

    assertThat(banned).doesNotHaveDuplicates().isSubsetOf(expected()).isNotEmpty();
  }

  private void rotateAndKill(String directives) throws Exception {
    assertThat(rotateAndKillOnly(directives))
        .doesNotHaveDuplicates()
        .containsExactlyInAnyOrderElementsOf(expected());
  }

  /** Returns the addresses that are banned in the end. */
  private List<String> rotateAndKillOnly(String directives) throws Exception {
    System.out.println("LogrotateIT seed: -Dtest.seed=" + seed);
    makeLines();
    reopen();
    boolean isCopied = directives.contains("copytruncate");
    Path settings = settings(directives);
    try (RunningIpSentry ipSentry = RunningIpSentry.start(directory, config())) {
      List<Around> plan = new ArrayList<>(Collections.nCopies(ROTATIONS - 4, Around.RUNNING));
      plan.addAll(Collections.nCopies(2, Around.KILLED_BEFORE));
      plan.addAll(Collections.nCopies(2, Around.KILLED_AFTER));
      Collections.shuffle(plan, random);
      for (Around around : plan) {
        write(lines.size() / ROTATIONS / 2);
        if (random.nextBoolean()) {
          awaitRead(ipSentry);
        }
        write(lines.size() / ROTATIONS / 4);
        if (around == Around.KILLED_BEFORE) {
          ipSentry.kill();
        }
        rotate(settings);
        if (!isCopied) {
          // A writer that was not told yet, or has not come to it.
          write(lines.size() / ROTATIONS / 8);
          reopen();
        }
        write(random.nextInt(3));
        if (around == Around.KILLED_AFTER) {
          ipSentry.kill();
        }
        if (around != Around.RUNNING) {
          ipSentry.start();
        }
      }
      write(lines.size() - written);
      awaitRead(ipSentry);
      if (!isCopied) {
        await("all bans")
            .atMost(RunningIpSentry.PATIENCE)
            .until(() -> ipSentry.metric("ip_sentry_bans_active").orElse(0) >= expected().size());
      }
      List<Map<String, String>> events = ipSentry.history();
      assertThat(events).allSatisfy(event -> assertThat(event).containsEntry("hits", "3"));
      return events.stream().map(event -> event.getOrDefault("ip", "")).toList();
    } finally {
      channel().close();
    }
  }

  private Path log() {
    return directory.resolve("access.log");
  }

  private FileChannel channel() {
    return Objects.requireNonNull(out, "the log is open");
  }

  private static void awaitRead(RunningIpSentry ipSentry) {
    await("end of the log")
        .atMost(RunningIpSentry.PATIENCE)
        .until(() -> ipSentry.metric("ip_sentry_source_lag_bytes{source=\"log\"}").orElse(1) == 0);
  }

  private String config() {
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
        .formatted(log());
  }

  private Path settings(String directives) throws IOException {
    return Files.writeString(
        directory.resolve("logrotate.conf"),
        """
        %s {
         rotate 100
         nodateext
         %s
        }
        """
            .formatted(log(), directives));
  }

  // ---- the writer

  private static int hits(int number) {
    return 1 + number % 4;
  }

  private static String address(int number) {
    return "198.18." + number / 250 + "." + (1 + number % 250);
  }

  private static List<String> expected() {
    return IntStream.range(0, ADDRESSES)
        .filter(i -> hits(i) >= 3)
        .mapToObj(LogrotateIT::address)
        .toList();
  }

  private void makeLines() {
    Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    for (int number = 0; number < ADDRESSES; number++) {
      for (int hit = 0; hit < hits(number); hit++) {
        SampleRequest request =
            new SampleRequest(
                now, address(number), "GET", "app.example", "/.env", 404, 0, "test", null);
        lines.add(AccessLogStyle.COMBINED.line(request) + "\n");
      }
    }
    Collections.shuffle(lines, random);
  }

  /** Appends the next lines, in two pieces that are no whole lines. */
  private void write(int count) throws IOException {
    byte[] bytes =
        String.join("", lines.subList(written, written + count)).getBytes(StandardCharsets.UTF_8);
    written += count;
    int half = bytes.length / 2;
    writeAll(ByteBuffer.wrap(bytes, 0, half));
    writeAll(ByteBuffer.wrap(bytes, half, bytes.length - half));
  }

  private void writeAll(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      int ignored = channel().write(bytes);
    }
  }

  private void reopen() throws IOException {
    if (out != null) {
      out.close();
    }
    out = FileChannel.open(log(), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  /** Runs logrotate; when its script says {@code reopen}, does so and answers. */
  private void rotate(Path settings) throws Exception {
    Process logrotate =
        new ProcessBuilder(
                "logrotate",
                "--force",
                "--state",
                directory.resolve("logrotate.state").toString(),
                settings.toString())
            .redirectErrorStream(true)
            .start();
    try (var said = logrotate.inputReader(StandardCharsets.UTF_8);
        var answer = new PrintStream(logrotate.getOutputStream(), true, StandardCharsets.UTF_8)) {
      StringBuilder complaints = new StringBuilder();
      for (String line = said.readLine(); line != null; line = said.readLine()) {
        if (line.equals("reopen")) {
          write(lines.size() / ROTATIONS / 16);
          reopen();
          answer.println("done");
        } else {
          complaints.append(line).append('\n');
        }
      }
      assertThat(logrotate.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(logrotate.exitValue()).as("logrotate: %s", complaints).isZero();
    } finally {
      logrotate.destroyForcibly();
    }
  }
}
