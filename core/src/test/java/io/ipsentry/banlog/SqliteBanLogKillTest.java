package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.SequencedEvent;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kills a process with SIGKILL while it appends, and looks at what is left. */
final class SqliteBanLogKillTest {
  private static final int LOGS = 2;
  private static final int KILLS_PER_LOG = 100;
  private static final int MAX_ACKS_BEFORE_KILL = 40;

  @TempDir private Path work;

  @BeforeEach
  void prepare() throws IOException {
    AppendingProcess.unpackNativeLibrary(work);
  }

  @Test
  void append_killed200Times_losesAndDoublesNothing() throws Exception {
    long seed = 20_261_121L;
    List<Callable<Integer>> logs =
        IntStream.range(0, LOGS)
            .mapToObj(i -> (Callable<Integer>) () -> killAgainAndAgain(i, new Random(seed + i)))
            .toList();
    int midway = 0;
    try (ExecutorService threads = Executors.newFixedThreadPool(LOGS)) {
      for (Future<Integer> log : threads.invokeAll(logs)) {
        midway += log.get();
      }
    }
    // Else the kills all came between two appends and the test shows nothing.
    assertThat(midway).as("appends that were in, but not acknowledged").isPositive();
  }

  /** Returns how many kills left an append that was in but not acknowledged. */
  private int killAgainAndAgain(int number, Random random) throws Exception {
    Path file = work.resolve("ban" + number + ".db");
    long verified = 0;
    int midway = 0;
    for (int kill = 0; kill < KILLS_PER_LOG; kill++) {
      long acknowledged = Math.max(verified, runAndKill(file, "run" + kill, random));
      try (BanLog log = SqliteBanLog.open(file)) {
        long head = log.head();
        assertThat(head).as("head after kill %d", kill).isGreaterThanOrEqualTo(acknowledged);
        assertWhole(log, verified, head, "run" + kill);
        midway += head > acknowledged ? 1 : 0;
        verified = head;
      }
    }
    try (BanLog log = SqliteBanLog.open(file)) {
      List<SequencedEvent> events = BanLogContract.readAll(log);
      assertThat(events).hasSize((int) verified);
      assertThat(events)
          .extracting(event -> TestEvents.reason(event.event()))
          .doesNotHaveDuplicates();
    }
    return midway;
  }

  /** Returns the head that was acknowledged last, 0 if none was. */
  private long runAndKill(Path file, String run, Random random) throws Exception {
    Process process = start(file, run, -1);
    BufferedReader acks = process.inputReader(StandardCharsets.US_ASCII);
    long acknowledged = 0;
    if (random.nextInt(10) == 0) {
      // Within its start: in the recovery of the file, or before.
      assertThat(process.waitFor(random.nextInt(400), TimeUnit.MILLISECONDS)).isFalse();
    } else {
      for (int i = random.nextInt(MAX_ACKS_BEFORE_KILL); i >= 0; i--) {
        acknowledged = head(acks.readLine(), run);
      }
    }
    // Not by the process: that would close its output, and what it still had to say would be lost.
    assertThat(process.toHandle().destroyForcibly()).isTrue();
    // What the process managed to say before it died was acknowledged too.
    for (String line = acks.readLine(); line != null; line = acks.readLine()) {
      acknowledged = line.isEmpty() ? acknowledged : head(line, run);
    }
    assertThat(process.waitFor()).isEqualTo(128 + 9);
    return acknowledged;
  }

  private long head(@Nullable String line, String run) {
    if (line == null || !line.startsWith(AppendingProcess.ACKNOWLEDGED)) {
      throw new AssertionError(run + " ended by itself with " + line + ": " + errors(run));
    }
    return Long.parseLong(line.substring(AppendingProcess.ACKNOWLEDGED.length()));
  }

  private String errors(String run) {
    try {
      return Files.readString(work.resolve(run + ".err"));
    } catch (IOException e) {
      return "unknown, " + e;
    }
  }

  /** Every batch of the run is there whole: the reasons name the head before, and their place. */
  private static void assertWhole(BanLog log, long from, long head, String run) {
    long seq = from;
    long batchFrom = from;
    while (seq < head) {
      for (SequencedEvent event : log.read(seq + 1, 1_000)) {
        if (seq - batchFrom == 1 + batchFrom % 3) {
          batchFrom = seq;
        }
        assertThat(event.seq()).isEqualTo(seq + 1);
        assertThat(TestEvents.reason(event.event()))
            .isEqualTo(run + '-' + batchFrom + '-' + (seq - batchFrom));
        seq++;
      }
    }
    assertThat(head == from || head - batchFrom == 1 + batchFrom % 3)
        .as("last batch is whole")
        .isTrue();
  }

  private Process start(Path file, String run, int appends) throws IOException {
    return new ProcessBuilder(AppendingProcess.command(work, file, run, appends))
        .redirectError(work.resolve(run + ".err").toFile())
        .start();
  }
}
