package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a log keeps to that lets old events go once a snapshot has them. */
public abstract class CompactedBanLogContract extends BanLogContract {
  /** Stores a snapshot of at least the events up to a number and deletes them. */
  protected abstract void compact(BanLog from, long upTo);

  @Test
  final void snapshot_compacted_foldsWithTheRestToTheFoldOfAll() {
    ActiveBans whole = compactedUpTo(700);

    ActiveBans state = log.snapshot(Instant.MAX, ActiveBans.Limits.DEFAULT).orElseThrow();
    assertThat(state.head()).isBetween(700L, 1_000L);
    for (SequencedEvent event : log.read(state.head() + 1, 1_000)) {
      state.apply(event);
    }
    assertThat(SnapshotBytes.of(state).parts())
        .usingRecursiveComparison()
        .isEqualTo(SnapshotBytes.of(whole).parts());

    Instant then = TestEvents.T0.plusSeconds(100);
    assertThatThrownBy(() -> log.snapshot(then, ActiveBans.Limits.DEFAULT))
        .isInstanceOf(CompactedException.class);
  }

  @Test
  final void read_compacted_isRefusedWithTheFirstThatIsKept() {
    compactedUpTo(700);

    for (long from : List.of(1L, 100L, 700L)) {
      assertThatThrownBy(() -> log.read(from, 10))
          .isInstanceOfSatisfying(
              CompactedException.class,
              e -> {
                assertThat(e.firstKept()).isEqualTo(701);
                assertThat(e.isTransient()).isFalse();
              });
    }
    assertThat(log.read(701, 1_000)).hasSize(300);
  }

  @Test
  final void append_compacted_numbersOn() {
    compactedUpTo(1_000);

    assertThat(log.head()).isEqualTo(1_000);
    assertThat(log.append(0, TestEvents.bans("b", 1))).isEqualTo(new AppendResult.Conflict(1_000));
    assertThat(log.append(1_000, TestEvents.bans("b", 2)))
        .isEqualTo(new AppendResult.Appended(1_002));
    assertThat(log.read(1_001, 10)).extracting(SequencedEvent::seq).containsExactly(1_001L, 1_002L);
  }

  @Test
  final void follow_compacted_failsWithTheFirstThatIsKept() {
    compactedUpTo(700);
    RecordingSink sink = new RecordingSink();

    BanLog.Subscription subscription = log.follow(5, sink);
    await().until(() -> sink.failure() != null);
    subscription.close();

    assertThat(sink.failure()).isInstanceOf(CompactedException.class);
    assertThat(sink.events()).isEmpty();
  }

  @Test
  final void catchUp_writerLeftFarBehind_startsOverFromTheSnapshot() {
    BanWriter behind = new BanWriter(log, new ActiveBans(), InstantSource.system(), event -> {});
    log.append(0, TestEvents.timedBans("a", 0, 10));
    behind.catchUp();
    log.append(10, TestEvents.timedBans("b", 10, 690));
    log.append(700, TestEvents.timedBans("c", 700, 300));
    compact(log, 700);

    behind.catchUp();

    assertThat(behind.state().head()).isEqualTo(1_000);
  }

  /** A log of 1,000 events; returns their fold. */
  private ActiveBans compactedUpTo(long upTo) {
    log.append(0, TestEvents.timedBans("a", 0, (int) upTo));
    log.append(upTo, TestEvents.timedBans("b", upTo, 1_000 - (int) upTo));
    ActiveBans whole = new ActiveBans();
    log.read(1, 1_000).forEach(whole::apply);
    compact(log, upTo);
    return whole;
  }
}
