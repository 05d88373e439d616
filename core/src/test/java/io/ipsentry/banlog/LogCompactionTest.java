package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Events are a second apart; event {@code n} is at T0 + n s, and its ban lasts a minute. */
final class LogCompactionTest {
  private static final Instant T0 = TestEvents.T0;
  private static final int MIN_EVENTS = 100;

  private final Path file;
  private final SqliteBanLog log;
  private final BanWriter writer;
  private List<SequencedEvent> all = List.of();
  private Optional<Duration> keep = Optional.of(Duration.ofMinutes(5));
  private Instant now = T0;

  LogCompactionTest(@TempDir Path directory) {
    file = directory.resolve("ban.db");
    log = SqliteBanLog.open(file);
    writer = BanWriter.start(log, InstantSource.system(), event -> {});
  }

  @AfterEach
  void close() {
    log.close();
  }

  private LogCompaction compaction() {
    return new LogCompaction(log, writer, () -> keep, () -> now, MIN_EVENTS);
  }

  private void append(int count) {
    long head = log.head();
    log.append(head, TestEvents.timedBans("r" + head, head, count));
    now = T0.plusSeconds(log.head());
  }

  @Test
  void snapshot_fewNewEvents_waitsForMore() {
    append(MIN_EVENTS - 1);
    assertThat(compaction().snapshotIfDue()).isFalse();
    append(1);
    assertThat(compaction().snapshotIfDue()).isTrue();
    assertThat(log.newestSnapshot()).isEqualTo(MIN_EVENTS);
    assertThat(compaction().snapshotIfDue()).isFalse();
    append(900);
    assertThat(compaction().snapshotIfDue()).isTrue();
    append(240);
    assertThat(compaction().snapshotIfDue()).as("a quarter of 1,000 held").isFalse();
    append(10);
    assertThat(compaction().snapshotIfDue()).isTrue();
  }

  @Test
  void start_snapshotThere_readsOnlyWhatIsBehindIt() throws SQLException {
    append(500);
    compaction().snapshotIfDue();
    append(50);
    ActiveBans whole = fold();
    execute("UPDATE events SET line = '{}' WHERE seq <= 500");

    List<BanEvent> observed = new ArrayList<>();
    BanWriter started = BanWriter.start(log, InstantSource.system(), observed::add);

    assertThat(started.state().head()).isEqualTo(550);
    assertThat(bytes(started.state())).isEqualTo(bytes(whole));
    assertThat(observed)
        .as("the remembered bans, in the order of their events")
        .hasSize(550)
        .isSortedAccordingTo((a, b) -> a.at().compareTo(b.at()));
  }

  @Test
  void purge_oldEvents_areGoneButForThoseOfBansThatStand() {
    append(1_000);
    ActiveBans before = fold();
    LogCompaction compaction = compaction();
    compaction.snapshotIfDue();
    compaction.purge();

    assertThat(log.base()).as("the last event older than 300 s").isEqualTo(699);
    assertThat(bytes(BanWriter.start(log, InstantSource.system(), event -> {}).state()))
        .isEqualTo(bytes(before));
    List<SequencedEvent> history = log.history(BanHistory.FROM_NEWEST, 2_000);
    assertThat(history)
        .extracting(SequencedEvent::seq)
        .startsWith(1_000L)
        .contains(700L, 699L, 641L, 600L, 100L)
        .doesNotContain(640L, 639L, 99L);
    IpPrefix permanent = IpPrefix.ofV4(0xcb00_7100 + 100);
    assertThat(log.history(permanent, BanHistory.FROM_NEWEST, 10))
        .extracting(SequencedEvent::seq)
        .containsExactly(100L);
    assertThat(before.get(permanent, now)).hasSize(1);
  }

  @Test
  void purge_again_goesOnAndForgetsWhatNoLongerStands() {
    append(1_000);
    compaction().snapshotIfDue();
    compaction().purge();
    append(1_000);
    compaction().snapshotIfDue();
    compaction().purge();

    assertThat(log.base()).isEqualTo(1_699);
    assertThat(log.history(BanHistory.FROM_NEWEST, 2_000))
        .extracting(SequencedEvent::seq)
        .as("a later ban took the place of the one that stood")
        .doesNotContain(641L, 100L)
        .contains(1_100L);
    append(5);
    assertThat(log.head()).isEqualTo(2_005);
  }

  @Test
  void purge_forEverOrNoSnapshotOrNothingOld_deletesNothing() {
    append(1_000);
    compaction().purge();
    assertThat(log.base()).as("no snapshot yet").isZero();
    compaction().snapshotIfDue();
    keep = Optional.empty();
    compaction().purge();
    assertThat(log.base()).as("for ever").isZero();
    keep = Optional.of(Duration.ofSeconds(950));
    compaction().purge();
    assertThat(log.base()).as("too few to be worth it").isZero();
    assertThat(log.read(1, 1)).hasSize(1);
  }

  @Test
  void purge_newestSnapshotIsOld_deletesNothingBehindIt() {
    append(200);
    compaction().snapshotIfDue();
    append(50);
    now = now.plus(Duration.ofDays(1));
    new LogCompaction(log, writer, () -> keep, () -> now, 1).purge();

    assertThat(log.base()).isEqualTo(200);
    assertThat(log.head()).isEqualTo(250);
    assertThat(log.read(201, 100)).hasSize(50);
  }

  @Test
  void start_newestSnapshotDamaged_usesTheBaseAndTheEventsBehindIt() throws SQLException {
    append(1_000);
    ActiveBans whole = fold();
    compaction().snapshotIfDue();
    compaction().purge();
    execute("UPDATE snapshot_parts SET bytes = substr(bytes, 2) WHERE head = 1000");

    assertThat(bytes(BanWriter.start(log, InstantSource.system(), event -> {}).state()))
        .isEqualTo(bytes(whole));

    execute("UPDATE snapshot_parts SET bytes = x'00' WHERE head = 699");
    assertThatThrownBy(() -> BanWriter.start(log, InstantSource.system(), event -> {}))
        .isInstanceOf(BanLogException.class)
        .hasMessageContaining("events before 700 are deleted; restore it from a backup");
    assertThatThrownBy(() -> compaction().purge())
        .as("never deletes on the word of a damaged base")
        .isInstanceOf(BanLogException.class);
  }

  @Test
  void list_atATimeInThePast_isExactAsFarAsEventsAreKept() {
    append(1_000);
    ActiveBans whole = fold();
    compaction().snapshotIfDue();
    compaction().purge();
    LogBanOperations operations =
        new LogBanOperations(log, log, writer, () -> ProtectedPrefixes.NONE, () -> now);

    for (int second : List.of(700, 820, 999)) {
      Instant at = T0.plusSeconds(second);
      assertThat(operations.list(at, 1_000, "").entries())
          .extracting(ListedBan::seq)
          .isEqualTo(ActiveBans.replay(all, at).list(at).stream().map(b -> b.seq()).toList());
    }
    assertThatThrownBy(() -> operations.list(T0.plusSeconds(500), 1_000, ""))
        .isInstanceOfSatisfying(
            CompactedException.class, e -> assertThat(e.firstKept()).isEqualTo(700));
    assertThat(operations.list(null, 1_000, "").head()).isEqualTo(whole.head());
  }

  @Test
  void start_thread_storesASnapshotAndEnds() {
    append(LogCompaction.MIN_EVENTS);
    LogCompaction compaction = LogCompaction.start(log, writer, () -> keep, InstantSource.system());
    await().until(() -> log.newestSnapshot() == LogCompaction.MIN_EVENTS);
    compaction.close();

    assertThat(log.head()).isEqualTo(LogCompaction.MIN_EVENTS);
  }

  /** Of all events, before any is deleted. */
  private ActiveBans fold() {
    ActiveBans state = new ActiveBans();
    all = log.read(1, 10_000);
    all.forEach(state::apply);
    return state;
  }

  private static byte[] bytes(ActiveBans state) {
    return SnapshotBytes.of(state).parts().getFirst();
  }

  private void execute(String statement) throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement one = connection.createStatement()) {
      one.execute(statement);
    }
  }
}
