package io.ipsentry.detection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestDetectionTest {
  private static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");
  private static final InstantSource CLOCK = InstantSource.fixed(NOW);
  private static final long AT = NOW.toEpochMilli();
  private static final IpPrefix IP = IpPrefix.parse("203.0.113.7");
  private static final RuleSet RULES = Inline.rules(Inline.rule("probing", Rule.Mode.ENFORCE, 3));

  private final InMemoryBanLog log = new InMemoryBanLog();
  private final BanWriter writer = Inline.writer(log, Inline.policy(0), CLOCK);
  private final ActiveBans state = writer.state();

  private boolean passes(RequestDetection detection, IpPrefix ip) {
    return Inline.passes(detection, state, RULES, 0, ip, AT);
  }

  private List<BanEvent> events() {
    return log.read(1, 1_000).stream().map(SequencedEvent::event).toList();
  }

  @Test
  void request_hitThatReachesTheRule_isItselfRefusedAndEveryOneAfterIt() {
    RequestDetection detection = Inline.detection(RULES, writer, CLOCK);

    assertThat(passes(detection, IP)).isTrue();
    assertThat(passes(detection, IP)).isTrue();
    assertThat(passes(detection, IP)).isFalse();
    assertThat(passes(detection, IP)).isFalse();
    assertThat(log.head()).as("nobody waited for the log").isZero();

    detection.round();

    assertThat(detection.pendingBans()).isZero();
    assertThat(state.isBanned(IP.hi(), IP.lo(), AT, null)).isTrue();
    assertThat(passes(detection, IP)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 10})
  void request_manyThreadsOneAddress_letsExactlyOneLessThanTheThresholdPass(int threshold)
      throws Exception {
    int addresses = 300;
    int threads = 8;
    int each = threshold + 2;
    RuleSet rules = Inline.rules(Inline.rule("probing", Rule.Mode.ENFORCE, threshold));
    AtomicIntegerArray passed = new AtomicIntegerArray(addresses);
    try (RequestDetection detection = Inline.detection(rules, writer, CLOCK).start();
        ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      CountDownLatch ready = new CountDownLatch(threads);
      List<Future<?>> running = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        running.add(
            pool.submit(() -> {
              ready.countDown();
              ready.await();
              for (int i = 0; i < addresses * each; i++) {
                IpPrefix ip = IpPrefix.ofV4(0xCB00_7100 + i / each);
                if (Inline.passes(detection, state, rules, 0, ip, AT)) {
                  passed.incrementAndGet(i / each);
                }
              }
              return null;
            }));
      }
      for (Future<?> thread : running) {
        thread.get();
      }
    }
    for (int i = 0; i < addresses; i++) {
      assertThat(passed.get(i)).as("address %d", i).isEqualTo(threshold - 1);
    }
    assertThat(log.head()).as("each is banned once").isEqualTo(addresses);
  }

  @Test
  void request_ipv6AddressesOfOneNetwork_areOneClient() {
    RequestDetection detection = Inline.detection(RULES, writer, CLOCK);

    assertThat(passes(detection, IpPrefix.parse("2001:db8::1"))).isTrue();
    assertThat(passes(detection, IpPrefix.parse("2001:db8::2"))).isTrue();
    assertThat(passes(detection, IpPrefix.parse("2001:db8::3"))).isFalse();
    assertThat(passes(detection, IpPrefix.parse("2001:db8::ffff:4"))).isFalse();
    assertThat(passes(detection, IpPrefix.parse("2001:db8:0:1::1"))).isTrue();
  }

  @Test
  void request_scopedRule_bansInItsScopeAlone() {
    RuleSet rules = Inline.rules(Inline.rule("probing", Rule.Mode.ENFORCE, 1).in("shop"));
    RequestDetection detection = Inline.detection(rules, writer, CLOCK);

    BanEvent.Ban ban = Objects.requireNonNull(detection.request(rules, Inline.hit(0, IP, AT)));

    assertThat(ban.scope()).isEqualTo("shop");
    assertThat(ban.rule()).isEqualTo("probing");
    assertThat(detection.pending(IP.hi(), IP.lo(), AT, "shop")).isEqualTo(ban);
    assertThat(detection.pending(IP.hi(), IP.lo(), AT, "blog")).isNull();
    assertThat(detection.pending(IP.hi(), IP.lo(), AT, null)).isNull();
    detection.round();
    assertThat(state.isBanned(IP.hi(), IP.lo(), AT, "shop")).isTrue();
    assertThat(state.isBanned(IP.hi(), IP.lo(), AT, null)).isFalse();
  }

  @Test
  void request_shadowRule_bansNobodyAndHindersNoOther() {
    RuleSet rules =
        Inline.rules(
            Inline.rule("quiet", Rule.Mode.SHADOW, 1),
            Inline.rule("probing", Rule.Mode.ENFORCE, 2));
    RequestDetection detection = Inline.detection(rules, writer, CLOCK);

    assertThat(detection.request(rules, Inline.hit(0, IP, AT))).isNull();
    assertThat(detection.shadow(IP.hi(), IP.lo(), AT, null)).isNotNull();
    assertThat(detection.pending(IP.hi(), IP.lo(), AT, null)).isNull();
    assertThat(detection.request(rules, Inline.hit(1, IP, AT))).isNull();
    assertThat(detection.request(rules, Inline.hit(1, IP, AT))).isNotNull();
    detection.round();
    assertThat(events()).hasSize(1);
  }

  @Test
  void request_protectedAddress_isNeitherBannedNorKept() {
    RequestDetection detection = Inline.detection(RULES, writer, CLOCK);
    IpPrefix own = IpPrefix.parse("10.1.2.3");

    for (int i = 0; i < 5; i++) {
      assertThat(passes(detection, own)).isTrue();
    }
    detection.round();

    assertThat(events()).isEmpty();
  }

  @Test
  void request_moreBansThanAMinuteMayMake_areDeferredAndMadeLater() {
    AtomicLong now = new AtomicLong(AT);
    InstantSource clock = () -> Instant.ofEpochMilli(now.get());
    BanPolicy policy = Inline.policy(1);
    RequestDetection detection =
        RequestDetection.appending(
            Inline.parts(RULES, policy, DetectionObserver.NONE, clock), writer, (r, h) -> false);
    IpPrefix second = IpPrefix.parse("203.0.113.8");
    for (int i = 0; i < 3; i++) {
      passes(detection, IP);
    }
    for (int i = 0; i < 3; i++) {
      assertThat(passes(detection, second)).isTrue();
    }
    detection.round();
    assertThat(events()).hasSize(1);

    now.addAndGet(61_000);
    detection.round();

    assertThat(Inline.isBanned(detection, state, second, now.get())).isTrue();
    assertThat(events()).hasSize(2);
  }

  @Test
  void unban_whileTheBanIsPending_dropsIt() {
    RequestDetection detection = Inline.detection(RULES, writer, CLOCK);
    for (int i = 0; i < 3; i++) {
      passes(detection, IP);
    }
    log.append(0, List.of(new BanEvent.Unban(NOW, IP, "test", "")));

    detection.round();

    assertThat(detection.pendingBans()).isZero();
    assertThat(Inline.isBanned(detection, state, IP, AT + 1)).isFalse();
    assertThat(events()).hasSize(1);
    for (int i = 0; i < 3; i++) {
      assertThat(Inline.passes(detection, state, RULES, 0, IP, AT + 1)).isEqualTo(i < 2);
    }
  }

  @Test
  void allow_whileTheBanIsPending_dropsIt() {
    RequestDetection detection = Inline.detection(RULES, writer, CLOCK);
    for (int i = 0; i < 3; i++) {
      passes(detection, IP);
    }
    log.append(0, List.of(new BanEvent.Allow(NOW, IP, null, "test", "")));

    detection.round();

    assertThat(detection.pendingBans()).isZero();
    assertThat(Inline.isBanned(detection, state, IP, AT)).isFalse();
    assertThat(events()).hasSize(1);
  }

  @Test
  void append_logIsFull_banHoldsAndIsAppendedOnceThereIsRoom() {
    FlakyBanLog flaky = new FlakyBanLog(log);
    BanWriter slow = Inline.writer(flaky, Inline.policy(0), CLOCK);
    AtomicInteger failures = new AtomicInteger();
    DetectionObserver observer =
        new DetectionObserver() {
          @Override
          public void appendFailed(String reason) {
            failures.incrementAndGet();
          }
        };
    RequestDetection detection =
        RequestDetection.appending(
            Inline.parts(RULES, Inline.policy(0), observer, CLOCK), slow, (r, h) -> false);
    flaky.outcome(FlakyBanLog.Outcome.FULL);
    for (int i = 0; i < 3; i++) {
      Inline.passes(detection, slow.state(), RULES, 0, IP, AT);
    }

    assertThat(detection.round()).isFalse();
    assertThat(Inline.isBanned(detection, slow.state(), IP, AT)).isTrue();
    assertThat(failures).hasValue(1);

    flaky.outcome(FlakyBanLog.Outcome.WORKS);
    detection.start();
    await().atMost(Duration.ofSeconds(10)).until(() -> log.head() == 1);
    await().atMost(Duration.ofSeconds(10)).until(() -> detection.pendingBans() == 0);
    detection.close();
    assertThat(Inline.isBanned(detection, slow.state(), IP, AT)).isTrue();
  }

  @Test
  void close_whetherStartedOrNot_appendsWhatIsPending() {
    for (boolean started : new boolean[] {false, true}) {
      IpPrefix ip = IpPrefix.parse(started ? "203.0.113.8" : "203.0.113.7");
      RequestDetection detection = Inline.detection(RULES, writer, CLOCK);
      if (started) {
        detection.start();
      }
      for (int i = 0; i < 3; i++) {
        passes(detection, ip);
      }

      detection.close();

      assertThat(state.isBanned(ip.hi(), ip.lo(), AT, null)).as("started: %s", started).isTrue();
    }
  }

  @Test
  void append_answerIsLost_banIsInTheLogOnce() {
    FlakyBanLog flaky = new FlakyBanLog(log);
    BanWriter slow = Inline.writer(flaky, Inline.policy(0), CLOCK);
    RequestDetection detection = Inline.detection(RULES, slow, CLOCK);
    flaky.outcome(FlakyBanLog.Outcome.ANSWER_LOST);
    for (int i = 0; i < 3; i++) {
      Inline.passes(detection, slow.state(), RULES, 0, IP, AT);
    }
    assertThat(detection.round()).isFalse();
    flaky.outcome(FlakyBanLog.Outcome.WORKS);
    detection.start();

    await().atMost(Duration.ofSeconds(10)).until(() -> detection.pendingBans() == 0);

    detection.close();
    assertThat(log.head()).isEqualTo(1);
  }

  @Test
  void pending_atTheLimit_hitThatReachesTheRuleIsRefusedAndItsHitsAreKept() {
    FlakyBanLog flaky = new FlakyBanLog(log);
    BanWriter slow = Inline.writer(flaky, Inline.policy(0), CLOCK);
    flaky.outcome(FlakyBanLog.Outcome.FULL);
    RequestDetection detection =
        RequestDetection.appending(
            Inline.parts(RULES, Inline.policy(0), DetectionObserver.NONE, CLOCK),
            slow,
            (r, h) -> false,
            1);
    IpPrefix second = IpPrefix.parse("203.0.113.8");
    for (int i = 0; i < 3; i++) {
      Inline.passes(detection, slow.state(), RULES, 0, IP, AT);
    }

    for (int i = 0; i < 5; i++) {
      assertThat(Inline.passes(detection, slow.state(), RULES, 0, second, AT)).isEqualTo(i < 2);
    }
    assertThat(detection.pendingBans()).isEqualTo(1);
    assertThat(Inline.isBanned(detection, slow.state(), second, AT)).isFalse();

    flaky.outcome(FlakyBanLog.Outcome.WORKS);
    detection.start();
    await().atMost(Duration.ofSeconds(10)).until(() -> detection.pendingBans() == 0);
    assertThat(Inline.passes(detection, slow.state(), RULES, 0, second, AT)).isFalse();
    detection.close();
    assertThat(log.head()).isEqualTo(2);
  }

  @Test
  void reload_ruleKeepsItsName_keepsItsHitsWhateverItsNumber() {
    RequestDetection detection = Inline.detection(RULES, writer, CLOCK);
    passes(detection, IP);
    passes(detection, IP);
    RuleSet reordered =
        Inline.rules(
            Inline.rule("other", Rule.Mode.ENFORCE, 3),
            Inline.rule("probing", Rule.Mode.ENFORCE, 3));

    detection.reload(reordered);

    // The asking thread still has the rules before.
    assertThat(passes(detection, IP)).isFalse();
    assertThat(detection.request(reordered, Inline.hit(0, IpPrefix.parse("203.0.113.9"), AT)))
        .isNull();
  }

  @Test
  void reload_ruleIsGone_itsHitsAreDropped() {
    RequestDetection detection = Inline.detection(RULES, writer, CLOCK);
    passes(detection, IP);
    detection.reload(Inline.rules(Inline.rule("other", Rule.Mode.ENFORCE, 1)));

    assertThat(passes(detection, IP)).isTrue();
    assertThat(passes(detection, IP)).isTrue();
    assertThat(passes(detection, IP)).isTrue();
  }

  @Test
  void checkpoint_readByAnother_goesOnWithHitsAndPendingBans() throws IOException {
    RequestDetection first = Inline.detection(RULES, writer, CLOCK);
    IpPrefix pending = IpPrefix.parse("203.0.113.8");
    passes(first, IP);
    passes(first, IP);
    for (int i = 0; i < 3; i++) {
      passes(first, pending);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    first.writeTo(new DataOutputStream(bytes));

    RequestDetection second = Inline.detection(RULES, writer, CLOCK);
    second.readFrom(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));

    assertThat(Inline.isBanned(second, state, pending, AT)).isTrue();
    second.round();
    assertThat(events()).hasSize(1);
    assertThat(passes(second, IP)).isFalse();
  }

  @Test
  void checkpoint_banReachedTheLogMeanwhile_isNotRepeated() throws IOException {
    RequestDetection first = Inline.detection(RULES, writer, CLOCK);
    for (int i = 0; i < 3; i++) {
      passes(first, IP);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    first.writeTo(new DataOutputStream(bytes));
    first.round();

    RequestDetection second = Inline.detection(RULES, writer, CLOCK);
    second.readFrom(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
    second.round();

    assertThat(events()).hasSize(1);
    assertThat(second.pendingBans()).isZero();
  }

  @Test
  void whenSettled_bansOfTheHitsAreInTheLog_tellsItsHead() {
    RequestDetection detection = Inline.detection(RULES, writer, CLOCK);
    AtomicLong head = new AtomicLong(-1);
    for (int i = 0; i < 3; i++) {
      detection.reported(
          new ReportedHit(
              RULES.rules().getFirst().id(), IP.hi(), IP.lo(), SeenAs.PEER, AT, "^/x", 1));
    }

    detection.whenSettled(head::set);
    assertThat(head).hasValue(-1);
    detection.round();

    assertThat(head).hasValue(1);
  }

  @Test
  void provisional_untilTheOwnerHasDecided_holdsThenGoesByTheLog() {
    ActiveBans follower = new ActiveBans();
    AtomicLong numbers = new AtomicLong();
    RequestDetection detection =
        RequestDetection.provisional(
            Inline.parts(RULES, Inline.policy(0), DetectionObserver.NONE, CLOCK),
            follower,
            (rules, hit) -> numbers.incrementAndGet());
    for (int i = 0; i < 3; i++) {
      assertThat(Inline.passes(detection, follower, RULES, 0, IP, AT)).isEqualTo(i < 2);
    }
    detection.round();
    assertThat(Inline.isBanned(detection, follower, IP, AT)).isTrue();

    detection.reconciled(2, 1);
    follower.apply(new SequencedEvent(1, new BanEvent.Allow(NOW, IP, null, "test", "")));
    detection.round();
    assertThat(detection.pendingBans()).as("its last hit is not acknowledged").isEqualTo(1);

    detection.reconciled(3, 2);
    detection.round();
    assertThat(detection.pendingBans()).as("the state is not as far").isEqualTo(1);

    follower.apply(new SequencedEvent(2, new BanEvent.Disallow(NOW, IP, "test", "")));
    detection.round();
    assertThat(detection.pendingBans()).isZero();
    assertThat(Inline.isBanned(detection, follower, IP, AT)).isFalse();
  }

  @Test
  void provisional_ownerStaysAway_banEndsAfterItsLength() {
    AtomicLong now = new AtomicLong(AT);
    RequestDetection detection =
        RequestDetection.provisional(
            Inline.parts(
                RULES,
                Inline.policy(0),
                DetectionObserver.NONE,
                () -> Instant.ofEpochMilli(now.get())),
            state,
            (rules, hit) -> 0);
    for (int i = 0; i < 3; i++) {
      passes(detection, IP);
    }
    detection.round();
    assertThat(detection.pendingBans()).isEqualTo(1);

    now.addAndGet(Inline.BAN.toMillis());
    detection.round();

    assertThat(detection.pendingBans()).isZero();
  }
}
