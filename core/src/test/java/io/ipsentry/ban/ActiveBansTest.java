package io.ipsentry.ban;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class ActiveBansTest {
  private static final Instant T0 = Instant.parse("2026-11-21T07:00:00Z");
  private static final IpPrefix CLIENT = IpPrefix.parse("203.0.113.7");

  private final ActiveBans state = new ActiveBans();

  @Test
  void fold_randomEvents_agreesWithNaiveModel() {
    for (long seed = 1; seed <= 150; seed++) {
      Random random = new Random(seed);
      ActiveBans.Limits limits =
          new ActiveBans.Limits(
              Duration.ofSeconds(random.nextInt(200)), random.nextBoolean() ? 1_000 : 8);
      ActiveBans bans = new ActiveBans(limits);
      NaiveBans naive = new NaiveBans(limits);
      Instant now = T0;
      Instant newest = T0;
      for (long seq = 1; seq <= 150; seq++) {
        now = now.plusMillis(random.nextInt(20) == 0 ? -3_000 : random.nextInt(5_000));
        SequencedEvent event = new SequencedEvent(seq, RandomEvents.event(random, now));
        bans.apply(event);
        naive.apply(event);
        String where = "seed " + seed + ", " + event;
        newest = now.isAfter(newest) ? now : newest;
        Instant at = newest.plusMillis(random.nextInt(30_000));

        assertThat(bans.list(at)).as(where).isEqualTo(naive.list(at.toEpochMilli()));
        assertThat(bans.lastEdit().orElse(null)).as(where).isEqualTo(naive.lastEdit);
        assertThat(bans.counts(at).remembered()).as(where).isEqualTo(naive.remembered());
        assertThat(bans.allows(at)).as(where).extracting("seq").isEqualTo(naive.allows(at));
        assertSameKernelBans(bans, naive, at.toEpochMilli(), where);
        assertSameAnswers(bans, naive, random, at.toEpochMilli(), where);
      }
    }
  }

  /** Numbers that do not fit the narrow columns, in pages that hold others that do. */
  @Test
  void fold_timesAndNumbersOfAllSizes_agreesWithNaiveModel() {
    for (long seed = 1; seed <= 60; seed++) {
      Random random = new Random(seed);
      ActiveBans.Limits limits =
          new ActiveBans.Limits(Duration.ofDays(random.nextInt(400)), random.nextInt(2) * 992 + 8);
      ActiveBans bans = new ActiveBans(limits);
      NaiveBans naive = new NaiveBans(limits);
      Instant now = random.nextInt(10) == 0 ? Instant.EPOCH : T0;
      for (long step = 1; step <= 80; step++) {
        now = now.plusMillis(random.nextLong(Duration.ofDays(40).toMillis()));
        // Numbers of events beyond 32 bits come in a log that is as old as that; the fold takes
        // them as they come.
        long seq = random.nextInt(30) == 0 ? step << 32 | step : step;
        SequencedEvent event = new SequencedEvent(seq, RandomEvents.wide(random, now));
        bans.foldUpTo(List.of(event), now);
        naive.apply(event);
        String where = "seed " + seed + ", " + event;
        Instant at = now.plusMillis(random.nextInt(30_000));

        assertThat(bans.list(at)).as(where).isEqualTo(naive.list(at.toEpochMilli()));
        assertThat(bans.counts(at).remembered()).as(where).isEqualTo(naive.remembered());
        assertSameKernelBans(bans, naive, at.toEpochMilli(), where);
        assertSameAnswers(bans, naive, random, at.toEpochMilli(), where);
      }
    }
  }

  /** More slots than a page of either family has, and more than one piece of the heap. */
  @Test
  void forget_thousandsHaveEnded_thoseThatEndedFirstAreForgottenFirst() {
    int count = 40_000;
    int kept = 10_000;
    ActiveBans bans = new ActiveBans(new ActiveBans.Limits(Duration.ofDays(1), kept));
    Random random = new Random(7);
    List<BanEvent.Ban> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      IpPrefix ip = i % 3 == 0 ? IpPrefix.of(0x2001_0db8L << 32 | i, 0, 64) : IpPrefix.ofV4(i << 8);
      BanEvent.Ban ban = ban(ip, T0.plusMillis(random.nextInt(3_600_000)), SeenAs.PEER);
      all.add(ban);
      bans.apply(new SequencedEvent(i + 1, ban));
    }
    assertThat(bans.counts(T0).bans()).isEqualTo(count);

    bans.apply(
        new SequencedEvent(
            count + 1, new BanEvent.Disallow(T0.plusSeconds(3_600), CLIENT, "cli", "")));

    List<BanEvent.Ban> endsLast = new ArrayList<>(all);
    endsLast.sort(Comparator.comparing(BanEvent.Ban::until)); // stable: equal ends by their events
    List<BanEvent.Ban> remembered = new ArrayList<>();
    bans.forEachRemembered(remembered::add);
    assertThat(remembered).hasSize(kept);
    assertThat(Set.copyOf(remembered)).isEqualTo(Set.copyOf(endsLast.subList(count - kept, count)));
  }

  private static void assertSameKernelBans(
      ActiveBans bans, NaiveBans naive, long at, String where) {
    List<ActiveBan> wanted =
        naive.list(at).stream().filter(ban -> ban.ban().isVisibleAtL3()).toList();
    List<ActiveBans.KernelBan> shown = new ArrayList<>();
    bans.forEachKernelBan(at, shown::add);

    assertThat(shown.stream().map(ActiveBans.KernelBan::seq).sorted())
        .as(where)
        .isEqualTo(wanted.stream().map(ActiveBan::seq).sorted().toList());
    List<Long> everywhere = new ArrayList<>();
    bans.forEachBanEverywhere(at, ban -> everywhere.add(ban.seq()));
    assertThat(everywhere)
        .as(where)
        .containsExactlyInAnyOrderElementsOf(
            naive.list(at).stream()
                .filter(ban -> ban.ban().scope() == null)
                .map(ActiveBan::seq)
                .toList());
    for (ActiveBans.KernelBan ban : shown) {
      assertThat(bans.kernelBan(ban.ip(), at)).as(where).isEqualTo(ban);
      assertThat(ban.slot()).as(where).isBetween(0, bans.slots() - 1);
      BanEvent.Ban event =
          wanted.stream().filter(it -> it.seq() == ban.seq()).findFirst().orElseThrow().ban();
      assertThat(ban.ip()).as(where).isEqualTo(event.ip());
      assertThat(ban.untilMillis()).as(where).isEqualTo(ActiveBans.millisOf(event.until()));
    }
  }

  private static void assertSameAnswers(
      ActiveBans bans, NaiveBans naive, Random random, long at, String where) {
    for (int i = 0; i < 10; i++) {
      IpPrefix ip = RandomEvents.prefix(random);
      long hi = ip.hi();
      long lo = ip.lo();
      String scope = RandomEvents.scope(random);
      List<ActiveBan> expected = naive.verdicts(hi, lo, at, scope);
      Optional<ActiveBan> verdict = bans.verdict(hi, lo, at, scope);

      assertThat(verdict.isPresent()).as(where).isEqualTo(!expected.isEmpty());
      verdict.ifPresent(v -> assertThat(expected).as(where).contains(v));
      assertThat(bans.isBanned(hi, lo, at, scope)).as(where).isEqualTo(verdict.isPresent());
      assertThat(bans.floorMillis(hi, lo, scope)).as(where).isEqualTo(naive.floor(hi, lo, scope));
      ActiveBan last = naive.lastBan(ip);
      assertThat(bans.lastOffence(ip).map(ActiveBans.Offence::number))
          .as(where)
          .isEqualTo(Optional.ofNullable(last).map(ban -> ban.ban().offence()));
      assertThat(bans.get(ip, Instant.ofEpochMilli(at)))
          .as(where)
          .containsExactlyInAnyOrderElementsOf(
              naive.list(at).stream().filter(b -> b.ban().ip().equals(ip)).toList());
      assertThat(bans.overlapping(ip, Instant.ofEpochMilli(at), 100))
          .as(where)
          .isEqualTo(naive.list(at).stream().filter(b -> b.ban().ip().overlaps(ip)).toList());
    }
  }

  @Test
  void list_inPages_givesEveryBanOnce() {
    Random random = new Random(5);
    for (long seq = 1; seq <= 400; seq++) {
      state.apply(new SequencedEvent(seq, RandomEvents.event(random, T0)));
    }
    List<ActiveBan> paged = new ArrayList<>();
    List<ActiveBan> page = state.list(T0, null, 7);
    while (!page.isEmpty()) {
      paged.addAll(page);
      page = state.list(T0, ActiveBans.Cursor.after(page.getLast()), 7);
    }

    assertThat(paged).isEqualTo(state.list(T0)).hasSizeGreaterThan(20);
  }

  @Test
  void verdict_banAndAllow_allowWinsUntilItEnds() {
    apply(ban("203.0.113.7", 3_600, SeenAs.PEER));
    apply(new BanEvent.Allow(T0, IpPrefix.parse("203.0.113.0/24"), T0.plusSeconds(60), "cli", ""));

    assertThat(isBanned(CLIENT, 59)).isFalse();
    assertThat(isBanned(CLIENT, 60)).isTrue();
    assertThat(state.allowance(CLIENT.hi(), CLIENT.lo(), T0)).isPresent();
    apply(new BanEvent.Disallow(T0, IpPrefix.parse("203.0.113.0/24"), "cli", ""));
    assertThat(isBanned(CLIENT, 59)).isTrue();
    assertThat(isBanned(CLIENT, 3_600)).isFalse();
  }

  @Test
  void verdict_longestPrefixOver_nextShorterHolds() {
    apply(ban("203.0.113.0/24", 3_600, SeenAs.PEER));
    apply(ban("203.0.113.7", 60, SeenAs.PEER));

    assertThat(verdict(CLIENT, 59).orElseThrow().ban().ip()).isEqualTo(CLIENT);
    assertThat(verdict(CLIENT, 60).orElseThrow().ban().ip())
        .isEqualTo(IpPrefix.parse("203.0.113.0/24"));
  }

  @Test
  void floor_afterBanUnbanAndNewBan_followsTheLastOfThem() {
    assertThat(floor()).isEqualTo(ActiveBans.NO_FLOOR);
    apply(ban("203.0.113.7", 3_600, SeenAs.PEER));
    assertThat(floor()).isEqualTo(T0.plusSeconds(3_600).toEpochMilli());
    apply(new BanEvent.Unban(T0.plusSeconds(10), CLIENT, "cli", ""));
    assertThat(floor()).isEqualTo(T0.plusSeconds(10).toEpochMilli());
    assertThat(isBanned(CLIENT, 5)).isFalse();
    apply(ban("203.0.113.7", 30, SeenAs.PEER));
    assertThat(floor()).isEqualTo(T0.plusSeconds(30).toEpochMilli());
  }

  @Test
  void floor_unbanOfNobody_isSetAllTheSame() {
    apply(new BanEvent.Unban(T0, CLIENT, "cli", ""));

    assertThat(floor()).isEqualTo(T0.toEpochMilli());
    assertThat(state.lastOffence(CLIENT)).isEmpty();
    assertThat(state.list(T0)).isEmpty();
  }

  @Test
  void seenAs_forwardedThenPeerThenForwarded_staysVisibleAtL3() {
    apply(ban("203.0.113.7", 60, SeenAs.FORWARDED));
    assertThat(state.counts(T0).visibleAtL3()).isZero();
    apply(ban("203.0.113.7", 60, SeenAs.PEER));
    assertThat(state.counts(T0).visibleAtL3()).isEqualTo(1);
    apply(ban("203.0.113.7", 120, SeenAs.FORWARDED));
    assertThat(state.list(T0).getFirst().ban().seenAs()).isEqualTo(SeenAs.PEER);
    apply(new BanEvent.Unban(T0, CLIENT, "cli", ""));
    apply(ban("203.0.113.7", 120, SeenAs.FORWARDED));
    assertThat(state.list(T0).getFirst().ban().seenAs()).isEqualTo(SeenAs.FORWARDED);
  }

  @Test
  void unban_scopedBans_endsAllOfThem() {
    apply(scoped("shop"));
    apply(scoped("blog"));

    assertThat(state.verdict(CLIENT.hi(), CLIENT.lo(), T0.toEpochMilli(), null)).isEmpty();
    assertThat(state.isBanned(CLIENT.hi(), CLIENT.lo(), T0.toEpochMilli(), "shop")).isTrue();
    assertThat(state.isBanned(CLIENT.hi(), CLIENT.lo(), T0.toEpochMilli(), "wiki")).isFalse();
    assertThat(state.get(CLIENT, T0)).hasSize(2);
    apply(new BanEvent.Unban(T0, CLIENT, "cli", ""));
    assertThat(state.list(T0)).isEmpty();
  }

  @Test
  void ban_moreScopesThanHeld_replacesOneThatEndsFirst() {
    for (int i = 0; i < ActiveBans.MAX_SCOPES + 10; i++) {
      apply(scoped("policy" + i));
    }

    assertThat(state.get(CLIENT, T0)).hasSize(ActiveBans.MAX_SCOPES);
    assertThat(state.isBanned(CLIENT.hi(), CLIENT.lo(), T0.toEpochMilli(), "policy265")).isTrue();
  }

  @Test
  void feeds_announcedAndWithdrawn_areKeptByName() {
    apply(new BanEvent.Feed(T0, "drop", "sha256:1", 3, ""));
    apply(new BanEvent.Feed(T0, "drop", "sha256:2", 4, ""));
    assertThat(state.feeds()).containsOnlyKeys("drop");
    assertThat(state.feeds().get("drop")).extracting("seq").isEqualTo(2L);
    apply(new BanEvent.Feed(T0, "drop", "sha256:3", 0, ""));
    assertThat(state.feeds()).isEmpty();
  }

  @Test
  void apply_gapOrRepetition_isRefused() {
    apply(ban("203.0.113.7", 60, SeenAs.PEER));

    assertThatThrownBy(() -> state.apply(new SequencedEvent(1, ban("::1", 1, SeenAs.PEER))))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> state.apply(new SequencedEvent(3, ban("::1", 1, SeenAs.PEER))))
        .hasMessage("event 3 does not follow event 1 of the ban log");
    assertThat(state.head()).isEqualTo(1);
  }

  @Test
  void replay_upToATime_isTheStateOfThen() {
    List<SequencedEvent> events =
        List.of(
            new SequencedEvent(1, ban("203.0.113.7", 3_600, SeenAs.PEER)),
            new SequencedEvent(2, new BanEvent.Unban(T0.plusSeconds(10), CLIENT, "cli", "")));

    Instant before = T0.plusSeconds(9);
    assertThat(ActiveBans.replay(events, before).list(before)).hasSize(1);
    Instant after = T0.plusSeconds(10);
    assertThat(ActiveBans.replay(events, after).list(after)).isEmpty();
  }

  @Test
  void apply_aMillionBans_staysWithin55BytesEach() {
    Random random = new Random(11);
    for (long seq = 1; seq <= 1_000_000; seq++) {
      IpPrefix ip = IpPrefix.ofV4(random.nextInt());
      state.apply(new SequencedEvent(seq, ban(ip, T0.plusSeconds(3_600), SeenAs.PEER)));
    }

    assertThat(state.counts(T0).bans()).isGreaterThan(999_000);
    assertThat(state.sizeBytes()).isLessThan(72_000_000L);
  }

  @Test
  void verdict_whileAnotherThreadApplies_isNeverWrong() throws Exception {
    IpPrefix always = IpPrefix.parse("203.0.113.7");
    IpPrefix never = IpPrefix.parse("203.0.113.8");
    apply(ban(always, null, SeenAs.PEER));
    AtomicBoolean done = new AtomicBoolean();
    AtomicLong asked = new AtomicLong();
    AtomicLong wrong = new AtomicLong();
    Thread reader =
        Thread.ofPlatform()
            .start(() -> {
              long at = T0.toEpochMilli();
              while (!done.get()) {
                Optional<ActiveBan> verdict = state.verdict(always.hi(), always.lo(), at, null);
                if (verdict.isEmpty()
                    || !verdict.get().ban().ip().contains(always)
                    || state.isBanned(never.hi(), never.lo(), at, null)
                    || state.floorMillis(always.hi(), always.lo(), null) != ActiveBans.FOR_EVER) {
                  wrong.incrementAndGet();
                }
                asked.incrementAndGet();
              }
            });
    Random random = new Random(3);
    for (long seq = 2; seq <= 200_000 || asked.get() < 1_000; seq++) {
      IpPrefix ip = IpPrefix.ofV4(0xcb00_7200 | random.nextInt(256));
      state.apply(
          new SequencedEvent(
              seq,
              random.nextInt(3) == 0
                  ? new BanEvent.Unban(T0, ip, "cli", "")
                  : ban(
                      IpPrefix.ofV4(random.nextInt() & 0x7fff_ffff),
                      T0.plusSeconds(9),
                      SeenAs.PEER)));
    }
    done.set(true);
    reader.join();

    assertThat(wrong).hasValue(0);
  }

  private long seq;

  private void apply(BanEvent event) {
    state.apply(new SequencedEvent(++seq, event));
  }

  private boolean isBanned(IpPrefix ip, long seconds) {
    return state.isBanned(ip.hi(), ip.lo(), T0.plusSeconds(seconds).toEpochMilli(), null);
  }

  private Optional<ActiveBan> verdict(IpPrefix ip, long seconds) {
    return state.verdict(ip.hi(), ip.lo(), T0.plusSeconds(seconds).toEpochMilli(), null);
  }

  private long floor() {
    return state.floorMillis(CLIENT.hi(), CLIENT.lo(), null);
  }

  private static BanEvent.Ban ban(String ip, long seconds, SeenAs seenAs) {
    return ban(IpPrefix.parse(ip), T0.plusSeconds(seconds), seenAs);
  }

  private static BanEvent.Ban ban(IpPrefix ip, @Nullable Instant until, SeenAs seenAs) {
    return new BanEvent.Ban(
        T0, ip, until, "probing", "^/wp-admin", 3, seenAs, "watcher", 1, null, null);
  }

  private static BanEvent.Ban scoped(String scope) {
    return new BanEvent.Ban(
        T0, CLIENT, T0.plusSeconds(60), "r", "", 1, SeenAs.PEER, "w", 1, null, scope);
  }
}
