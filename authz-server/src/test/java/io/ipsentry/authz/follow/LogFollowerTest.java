package io.ipsentry.authz.follow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A log that is followed over real connections, by one whose owner stops and comes back. */
final class LogFollowerTest {
  private static final Duration PATIENCE = FollowedOwner.PATIENCE;

  /** Ends before compaction looks, so that its events go. */
  private static final Duration SHORT = Duration.ofSeconds(1);

  /** Permanently banned in the tests that replace a state. */
  private static final IpPrefix STANDING = IpPrefix.parse("203.9.0.0");

  private final Path store;
  private final Path directory;
  private final FollowedOwner owner;
  private final List<Following> followers = new ArrayList<>();

  LogFollowerTest(@TempDir Path directory) {
    this.directory = directory;
    store = directory.resolve("ban.db");
    owner = new FollowedOwner(store, directory.resolve("admin.sock"));
  }

  @AfterEach
  void close() {
    followers.forEach(Following::close);
    owner.close();
  }

  /** A follower, and what its listener heard. */
  private static final class Following implements FollowedLog.Listener, AutoCloseable {
    final AdminChannel channel;
    final LogFollower follower;
    final List<SequencedEvent> applied = new CopyOnWriteArrayList<>();
    final List<Long> replacedAt = new CopyOnWriteArrayList<>();

    /** Called with each event's number. */
    volatile CountDownLatch block = new CountDownLatch(0);

    Following(Path socket) {
      channel = AdminChannel.open(new AdminEndpoint.Socket(socket));
      follower =
          new LogFollower(
                  new LogFollower.Parts(
                      channel.channel(),
                      channel::connectNow,
                      new ActiveBans(),
                      this,
                      System::nanoTime,
                      new Random(1)))
              .start();
    }

    @Override
    public void applied(SequencedEvent event) {
      assertThat(follower.bans().head()).isEqualTo(event.seq());
      applied.add(event);
      try {
        block.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public void replaced(ActiveBans state) {
      applied.clear();
      replacedAt.add(state.head());
    }

    void awaitSynced(long head) {
      await().atMost(PATIENCE).until(() -> follower.isSynced() && follower.bans().head() == head);
    }

    byte[] state() {
      return FollowedOwner.bytes(follower.bans());
    }

    @Override
    public void close() {
      block.countDown();
      follower.close();
      channel.close();
    }
  }

  private Following follow() {
    Following following = new Following(directory.resolve("admin.sock"));
    followers.add(following);
    return following;
  }

  @Test
  void follow_emptyLog_isSyncedAtOnce() {
    owner.serve();

    Following following = follow();

    following.awaitSynced(0);
    assertThat(following.replacedAt).containsExactly(0L);
  }

  @Test
  void follow_ownerStopsAndComesBack_goesOnWithoutGap() {
    owner.bans(3_000, 1, null);
    Following following = follow();
    assertThat(following.follower.isSynced()).isFalse();
    owner.serve();
    following.awaitSynced(3_000);

    for (int round = 0; round < 5; round++) {
      owner.stop();
      owner.bans(100, round + 2, null);
      await().atMost(PATIENCE).until(() -> !following.follower.isConnected());
      assertThat(following.follower.isSynced()).isTrue();
      owner.serve();
      following.awaitSynced(3_000 + (round + 1) * 100L);
    }

    assertThat(following.replacedAt).as("one snapshot, then events only").containsExactly(3_000L);
    assertThat(following.applied).isEqualTo(owner.events().subList(3_000, 3_500));
    assertThat(following.follower.snapshots()).isEqualTo(1);
    assertThat(following.follower.connections()).isGreaterThanOrEqualTo(6);
    assertThat(following.follower.problem()).isEmpty();
    assertThat(following.state()).isEqualTo(owner.state());
  }

  @Test
  void follow_ownerAway_stateHoldsAndGrowsOld() {
    owner.bans(10, 1, null).serve();
    Following following = follow();
    following.awaitSynced(10);
    owner.stop();
    await().atMost(PATIENCE).until(() -> !following.follower.isConnected());

    await().atMost(PATIENCE).until(() -> following.follower.age().toMillis() > 500);
    assertThat(following.follower.bans().head()).isEqualTo(10);
    assertThat(following.follower.isSynced()).isTrue();
  }

  @Test
  void follow_firstEventsAreGone_newAndOldFollowerHoldTheSame() {
    owner.bans(1, 9, null).bans(FollowedOwner.WORTH_COMPACTING, 1, SHORT).serve();
    Following old = follow();
    old.awaitSynced(owner.head());
    owner.purge();
    assertThat(owner.firstKept()).isGreaterThan(1);

    Following fresh = follow();
    fresh.awaitSynced(owner.head());
    owner.bans(20, 2, null);
    fresh.awaitSynced(owner.head());
    old.awaitSynced(owner.head());

    assertThat(fresh.applied).hasSize(20);
    assertThat(old.follower.snapshots()).isEqualTo(1);
    assertThat(fresh.state()).isEqualTo(old.state()).isEqualTo(owner.state());
    assertThat(fresh.follower.problem()).isEmpty();
  }

  @Test
  void follow_purgedWhileAway_takesTheStateAnewAndNoBanIsEverMissing() throws Exception {
    owner.bans(1, 9, null).serve();
    Following following = follow();
    following.awaitSynced(1);
    AtomicBoolean done = new AtomicBoolean();
    AtomicLong looks = new AtomicLong();
    AtomicLong missing = new AtomicLong();
    ActiveBans bans = following.follower.bans();
    long now = FollowedOwner.T0.plus(Duration.ofDays(1)).toEpochMilli();
    Thread looking =
        Thread.ofPlatform()
            .start(() -> {
              while (!done.get()) {
                looks.incrementAndGet();
                if (!bans.isBanned(STANDING.hi(), STANDING.lo(), now, null)) {
                  missing.incrementAndGet();
                }
              }
            });

    for (int round = 0; round < 2; round++) {
      owner.stop();
      await().atMost(PATIENCE).until(() -> !following.follower.isConnected());
      owner.bans(FollowedOwner.WORTH_COMPACTING, round + 1, SHORT);
      owner.purge();
      owner.serve();
      following.awaitSynced(owner.head());
    }

    done.set(true);
    looking.join(PATIENCE);
    assertThat(looks).hasPositiveValue();
    assertThat(missing).hasValue(0);
    assertThat(following.replacedAt).hasSize(3).isSorted();
    assertThat(following.follower.problem()).isEmpty();
    assertThat(following.state()).isEqualTo(owner.state());
  }

  @Test
  void follow_connectedButTooSlowForThePurge_takesTheStateAnew() {
    owner.bans(1, 9, null).serve();
    Following following = follow();
    following.awaitSynced(1);
    following.block = new CountDownLatch(1);

    // More than every buffer on the way holds.
    owner.bans(2 * FollowedOwner.WORTH_COMPACTING, 1, SHORT);
    await().atMost(PATIENCE).until(() -> !following.applied.isEmpty());
    owner.purge();
    following.block.countDown();

    following.awaitSynced(owner.head());
    assertThat(following.replacedAt).hasSize(2);
    assertThat(following.follower.problem()).isEmpty();
    assertThat(following.state()).isEqualTo(owner.state());
  }

  @Test
  void follow_anotherLog_stopsAndSaysSo() {
    owner.bans(10, 1, null).serve();
    Following following = follow();
    following.awaitSynced(10);
    byte[] before = following.state();
    owner.stop();

    owner.reopen(directory.resolve("other.db")).bans(50, 1, null).serve();

    awaitProblem(following);
    assertThat(following.follower.problem())
        .contains("the log here is", "not ", "start this process again");
    assertThat(following.state()).isEqualTo(before);
  }

  @Test
  void follow_anotherLogThatIsPurged_stopsAndSaysSo() {
    owner.bans(10, 1, null).serve();
    Following following = follow();
    following.awaitSynced(10);
    owner.stop();
    owner.reopen(directory.resolve("other.db")).bans(FollowedOwner.WORTH_COMPACTING, 1, SHORT);
    owner.purge();

    owner.serve();

    awaitProblem(following);
    assertThat(following.follower.problem()).contains("the log here is");
    assertThat(following.follower.bans().head()).isEqualTo(10);
  }

  @Test
  void follow_backupPutBack_stopsAndSaysSo() throws IOException {
    backup(5);
    owner.bans(5, 1, null).serve();
    Following following = follow();
    following.awaitSynced(10);
    owner.stop();

    owner.reopen(directory.resolve("backup.db")).serve();

    awaitProblem(following);
    assertThat(following.follower.problem()).contains("goes up to event 5");
    assertThat(following.follower.bans().head()).isEqualTo(10);
  }

  @Test
  void follow_backupPutBackAndGrown_stopsAndSaysSo() throws IOException {
    backup(5);
    owner.bans(5, 1, null).serve();
    Following following = follow();
    following.awaitSynced(10);
    assertThat(following.applied).as("it knows event 10 from the snapshot only").isEmpty();
    owner.stop();

    owner.reopen(directory.resolve("backup.db")).bans(50, 2, null).serve();

    awaitProblem(following);
    assertThat(following.follower.problem()).contains("event 10 is another one");
    assertThat(following.follower.bans().head()).isEqualTo(10);
  }

  /** Keeps a copy of the store as it is after some events. */
  private void backup(int events) throws IOException {
    owner.bans(events, 8, null).reopen(directory.resolve("elsewhere.db"));
    Files.copy(store, directory.resolve("backup.db"));
    owner.reopen(store);
  }

  @Test
  void follow_ownerWithoutSnapshots_saysSoAndGoesOnWhenItHasThem() {
    owner.bans(10, 1, null).serve(false);
    Following following = follow();
    awaitProblem(following);
    assertThat(following.follower.problem()).contains("older ip-sentry", "upgrade it");
    assertThat(following.follower.isSynced()).isFalse();
    owner.stop();

    owner.serve();

    following.awaitSynced(10);
    assertThat(following.follower.problem()).isEmpty();
  }

  private static void awaitProblem(Following following) {
    await().atMost(PATIENCE).until(() -> !following.follower.problem().isEmpty());
  }
}
