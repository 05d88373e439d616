package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SqliteBanLogTest extends CompactedBanLogContract {
  @TempDir private Path directory;

  private Path file() {
    return directory.resolve("made/on demand/ban.db");
  }

  @Override
  protected BanLog create() {
    return SqliteBanLog.open(file());
  }

  @Override
  protected Optional<BanLog> openAgain() {
    return Optional.of(SqliteBanLog.open(file()));
  }

  @Override
  protected Optional<BanLog> createSmall() {
    return Optional.of(SqliteBanLog.open(directory.resolve("small.db"), 400_000));
  }

  @Override
  protected void compact(BanLog from, long upTo) {
    SqliteBanLog log = (SqliteBanLog) from;
    ActiveBans state = new ActiveBans();
    log.read(1, (int) upTo).forEach(state::apply);
    log.store(SnapshotBytes.of(state), true);
    long[] standing = state.standing(TestEvents.T0.plusSeconds(upTo));
    assertThat(log.deleteBatch(0, standing))
        .isEqualTo(new SqliteBanLog.Deleted(upTo, (int) upTo - standing.length));
  }

  @Test
  void open_newFile_isReadableForItsOwnerOnly() throws IOException {
    for (String suffix : List.of("", "-wal", "-shm")) {
      Path path = file().resolveSibling("ban.db" + suffix);
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
          .as(suffix)
          .isEqualTo("rw-------");
    }
  }

  @Test
  void open_newFileByManyAtOnce_worksForAll() throws Exception {
    int openers = 4;
    try (ExecutorService threads = Executors.newFixedThreadPool(openers)) {
      for (int round = 0; round < 100; round++) {
        Path path = directory.resolve("round-" + round + ".db");
        CyclicBarrier start = new CyclicBarrier(openers);
        List<Callable<Long>> tasks =
            Collections.nCopies(
                openers,
                () -> {
                  start.await();
                  try (BanLog log = SqliteBanLog.open(path)) {
                    return log.head();
                  }
                });
        for (Future<Long> head : threads.invokeAll(tasks)) {
          assertThat(head.get()).isZero();
        }
      }
    }
  }

  @Test
  void open_again_findsEverything() {
    Path path = directory.resolve("again.db");
    List<SequencedEvent> before;
    try (BanLog log = SqliteBanLog.open(path)) {
      log.append(0, TestEvents.bans("a", 100));
      before = readAll(log);
    }
    try (BanLog log = SqliteBanLog.open(path)) {
      assertThat(readAll(log)).isEqualTo(before).hasSize(100);
      assertThat(log.append(100, TestEvents.bans("b", 1)))
          .isEqualTo(new AppendResult.Appended(101));
    }
  }

  @Test
  void open_fileOfANewerVersion_isRefusedWithAdvice() throws SQLException {
    Path path = directory.resolve("newer.db");
    SqliteBanLog.open(path).close();
    execute(path, "PRAGMA user_version=4");

    assertThatThrownBy(() -> SqliteBanLog.open(path))
        .isInstanceOf(BanLogException.class)
        .hasMessageContaining("newer ip-sentry (schema 4, this one knows 3); upgrade");
  }

  @Test
  void open_sqliteFileOfOthers_isRefusedAndNotChanged() throws Exception {
    Path path = directory.resolve("other.db");
    execute(path, "CREATE TABLE theirs (a)");
    byte[] before = Files.readAllBytes(path);

    assertThatThrownBy(() -> SqliteBanLog.open(path))
        .hasMessageContaining("not an ip-sentry ban log");
    assertThatThrownBy(() -> SqliteCheckpoints.open(path))
        .hasMessageContaining("not an ip-sentry checkpoints");
    assertThat(Files.readAllBytes(path)).isEqualTo(before);
  }

  @Test
  void open_noSqliteFile_isRefusedWithAdvice() throws IOException {
    Path path = directory.resolve("text.db");
    Files.writeString(path, "this is a text, and by no means a database\n".repeat(100));

    assertThatThrownBy(() -> SqliteBanLog.open(path))
        .isInstanceOfSatisfying(
            BanLogException.class,
            e -> {
              assertThat(e.isTransient()).isFalse();
              assertThat(e).hasMessageContaining("the file is damaged; move it away");
            });
  }

  @Test
  void open_unwritableDirectory_isRefusedWithAdvice() throws IOException {
    Path path = Files.createFile(directory.resolve("file")).resolve("ban.db");

    assertThatThrownBy(() -> SqliteBanLog.open(path))
        .isInstanceOf(BanLogException.class)
        .hasMessageContaining("make its directory writable");
  }

  @Test
  void read_damagedFile_saysSo() throws IOException {
    Path path = directory.resolve("damaged.db");
    try (BanLog log = SqliteBanLog.open(path)) {
      for (int i = 0; i < 20; i++) {
        log.append(log.head(), TestEvents.bans("a", 100));
      }
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      for (long at = 4_096; at < channel.size(); at += 4_096) {
        channel.write(ByteBuffer.wrap(new byte[64]), at);
      }
    }

    assertThatThrownBy(
            () -> {
              try (BanLog log = SqliteBanLog.open(path)) {
                readAll(log);
              }
            })
        .isInstanceOf(BanLogException.class)
        .hasMessageContaining("damaged");
  }

  @Test
  void read_eventThatIsNone_saysWhichOne() throws SQLException {
    Path path = directory.resolve("edited.db");
    try (BanLog log = SqliteBanLog.open(path)) {
      log.append(0, TestEvents.bans("a", 3));
      execute(path, "UPDATE events SET line = '{}' WHERE seq = 2");

      assertThatThrownBy(() -> log.read(1, 10))
          .isInstanceOf(BanLogException.class)
          .hasMessageStartingWith("event 2 of the ban log");
    }
  }

  @Test
  void open_fileOfSchema1_isBroughtUpToDate() throws SQLException {
    Path path = directory.resolve("old.db");
    try (BanLog log = SqliteBanLog.open(path)) {
      log.append(0, TestEvents.bans("a", 3));
    }
    for (String table : List.of("snapshots", "snapshot_parts", "compaction", "identity")) {
      execute(path, "DROP TABLE " + table);
    }
    execute(path, "PRAGMA user_version = 1");

    try (SqliteBanLog log = SqliteBanLog.open(path)) {
      assertThat(log.head()).isEqualTo(3);
      assertThat(log.append(3, TestEvents.bans("b", 7))).isEqualTo(new AppendResult.Appended(10));
      compact(log, 5);
    }
    try (SqliteBanLog log = SqliteBanLog.open(path)) {
      assertThat(log.read(6, 10)).hasSize(5);
    }
  }

  @Test
  void id_openedAgain_isTheSameAndOfNoOtherLog() {
    Path path = directory.resolve("named.db");
    String id;
    try (BanLog log = SqliteBanLog.open(path)) {
      id = log.id();
      assertThat(id).matches("[a-z0-9-]{1,64}");
    }
    try (BanLog log = SqliteBanLog.open(path);
        BanLog other = SqliteBanLog.open(directory.resolve("other.db"))) {
      assertThat(log.id()).isEqualTo(id);
      assertThat(other.id()).isNotEqualTo(id);
    }
  }

  @Test
  void checkpoints_openedAgain_areStillThere() {
    Path path = SqliteCheckpoints.pathBeside(directory.resolve("ban.db"));
    try (SqliteCheckpoints checkpoints = SqliteCheckpoints.open(path)) {
      checkpoints.save(Map.of("a", new byte[] {1}), Set.of());
    }
    try (SqliteCheckpoints checkpoints = SqliteCheckpoints.open(path)) {
      assertThat(checkpoints.load()).containsOnlyKeys("a");
    }
    assertThat(path.getFileName()).hasToString("ban.db-checkpoints");
  }

  private static void execute(Path path, String statement) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + path);
        Statement one = connection.createStatement()) {
      one.execute(statement);
    }
  }

  @Nested
  final class History extends BanHistoryContract {
    @Override
    protected BanLog create() {
      return SqliteBanLog.open(directory.resolve("history.db"));
    }
  }

  @Nested
  final class Stored extends CheckpointsContract {
    @Override
    protected Checkpoints create() {
      return SqliteCheckpoints.open(directory.resolve("checkpoints.db"));
    }
  }
}
