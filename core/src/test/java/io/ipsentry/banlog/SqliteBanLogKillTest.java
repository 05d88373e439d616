package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills a process with SIGKILL while it appends, stores snapshots and deletes old events, and looks
 * at what is left.
 */
final class SqliteBanLogKillTest {
  private static final int LOGS = 2;
  private static final int KILLS_PER_LOG = 100;
  private static final int MAX_ACKS_BEFORE_KILL = 40;

  private final AtomicInteger halfSnapshots = new AtomicInteger();
  private final AtomicInteger halfPurges = new AtomicInteger();

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
    // How many is a matter of luck; that there were some is to be seen, not to be relied on.
    System.out.printf(
        "kills within a snapshot: %d, before old events were deleted: %d%n",
        halfSnapshots.get(), halfPurges.get());
  }

  /** Returns how many kills left an append that was in but not acknowledged. */
  private int killAgainAndAgain(int number, Random random) throws Exception {
    Path file = work.resolve("ban" + number + ".db");
    long verified = 0;
    int midway = 0;
    ActiveBans model = new ActiveBans();
    for (int kill = 0; kill < KILLS_PER_LOG; kill++) {
      long acknowledged = Math.max(verified, runAndKill(file, "run" + kill, random));
      countLeftovers(file);
      try (SqliteBanLog log = SqliteBanLog.open(file)) {
        long head = log.head();
        assertThat(head).as("head after kill %d", kill).isGreaterThanOrEqualTo(acknowledged);
        assertWhole(log, verified, head, "run" + kill, model);
        assertSameState(log, model, kill);
        midway += head > acknowledged ? 1 : 0;
        verified = head;
      }
    }
    try (SqliteBanLog log = SqliteBanLog.open(file)) {
      assertThat(log.base()).as("old events were deleted").isPositive();
      assertThat(log.history(BanHistory.FROM_NEWEST, 100_000))
          .hasSizeLessThan((int) verified)
          .extracting(event -> TestEvents.reason(event.event()))
          .doesNotHaveDuplicates();
    }
    return midway;
  }

  /** Looks at the file as it was left, before it is opened again. */
  private void countLeftovers(Path file) throws SQLException {
    if (!Files.exists(file)) {
      return;
    }
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = connection.createStatement()) {
      try (ResultSet tables =
          statement.executeQuery("SELECT count(*) FROM sqlite_schema WHERE name = 'compaction'")) {
        if (tables.getInt(1) == 0) {
          return;
        }
      }
      try (ResultSet row =
          statement.executeQuery(
              "SELECT (SELECT count(*) FROM snapshot_parts"
                  + " WHERE head NOT IN (SELECT head FROM snapshots)),"
                  + " (SELECT count(*) FROM events"
                  + " WHERE seq <= (SELECT base FROM compaction) - 60 AND seq % 100 <> 0)")) {
        halfSnapshots.addAndGet(row.getInt(1) > 0 ? 1 : 0);
        // Those whose bans stood, one in a hundred and the last sixty, are not to be deleted.
        halfPurges.addAndGet(row.getInt(2) > 0 ? 1 : 0);
      }
    }
  }

  private static void assertSameState(SqliteBanLog log, ActiveBans model, int kill) {
    ActiveBans state = BanWriter.start(log, InstantSource.system(), event -> {}).state();
    assertThat(state.head()).isEqualTo(model.head());
    assertThat(SnapshotBytes.of(state).parts())
        .as("state after kill %d", kill)
        .usingRecursiveComparison()
        .isEqualTo(SnapshotBytes.of(model).parts());
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
  private static void assertWhole(BanLog log, long from, long head, String run, ActiveBans model) {
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
        model.apply(event);
        seq++;
      }
    }
    assertThat(head == from || head - batchFrom == 1 + batchFrom % 3)
        .as("last batch is whole")
        .isTrue();
  }

  private Process start(Path file, String run, int appends) throws IOException {
    return new ProcessBuilder(
            AppendingProcess.command(work, file, run, appends, AppendingProcess.COMPACT))
        .redirectError(work.resolve(run + ".err").toFile())
        .start();
  }
}
