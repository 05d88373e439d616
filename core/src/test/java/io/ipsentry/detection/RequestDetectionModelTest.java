package io.ipsentry.detection;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Detection against a naive model, over random requests, people's unbans, allows and bans, a log
 * that fails, checkpoints, kills and reloads.
 */
class RequestDetectionModelTest {
  private static final int STEPS = 20_000;
  private static final int ADDRESSES = 12;
  private static final RuleSet RULES =
      Inline.rules(
          Inline.rule("few", Rule.Mode.ENFORCE, 3), Inline.rule("many", Rule.Mode.ENFORCE, 5));
  private static final RuleSet REORDERED =
      Inline.rules(
          Inline.rule("new", Rule.Mode.ENFORCE, 9),
          Inline.rule("many", Rule.Mode.ENFORCE, 5),
          Inline.rule("few", Rule.Mode.ENFORCE, 3));

  private final InMemoryBanLog log = new InMemoryBanLog();
  private final FlakyBanLog flaky = new FlakyBanLog(log);
  private final NaiveRequests model = new NaiveRequests(3, 5);
  private long now = Instant.parse("2026-11-21T07:00:00Z").toEpochMilli();
  private long nanos;
  private BanWriter writer = open();
  private RequestDetection detection = detection();
  private byte[] checkpoint = new byte[0];
  private boolean reordered;

  private Instant instant() {
    return Instant.ofEpochMilli(now);
  }

  private BanWriter open() {
    return new BanWriter(flaky, new ActiveBans(), this::instant, event -> {});
  }

  private RequestDetection detection() {
    BanPolicy policy = Inline.policy(0);
    writer.catchUp();
    return RequestDetection.appending(
        new RequestDetection.Parts(
            reordered ? REORDERED : RULES,
            4 << 20,
            64,
            policy,
            ProtectedPrefixes.NONE,
            DetectionObserver.NONE,
            this::instant,
            () -> nanos,
            latency -> {}),
        writer,
        (rules, hit) -> false);
  }

  private static IpPrefix ip(int address) {
    return IpPrefix.ofV4(0xCB00_7100 + address);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void requests_randomInterleavings_passAsInTheModel(long seed) throws IOException {
    Random random = new Random(seed);
    checkpoint();
    for (int step = 0; step < STEPS; step++) {
      step(random, "seed " + seed + " step " + step);
    }
    flaky.outcome(FlakyBanLog.Outcome.WORKS);
    round(FlakyBanLog.Outcome.WORKS);
    assertThat(bans()).as("seed %d", seed).isEqualTo(model.log());
    assertThat(detection.pendingBans()).isZero();
  }

  private void step(Random random, String place) throws IOException {
    int address = random.nextInt(ADDRESSES);
    int kind = random.nextInt(100);
    if (kind < 70) {
      request(random.nextInt(2), address, place);
    } else if (kind < 78) {
      now += random.nextInt(40_000);
    } else if (kind < 79) {
      now += Inline.BAN.toMillis() / 2;
    } else if (kind < 83) {
      append(new BanEvent.Unban(instant(), ip(address), "test", ""));
      model.unban(address, now);
    } else if (kind < 84) {
      append(new BanEvent.Allow(instant(), ip(address), null, "test", ""));
      model.allow(address, true);
    } else if (kind < 86) {
      append(new BanEvent.Disallow(instant(), ip(address), "test", ""));
      model.allow(address, false);
    } else if (kind < 87) {
      banByHand(address, Duration.ofMinutes(1 + random.nextInt(30)));
    } else if (kind < 97) {
      FlakyBanLog.Outcome[] outcomes = FlakyBanLog.Outcome.values();
      round(random.nextBoolean() ? outcomes[0] : outcomes[random.nextInt(outcomes.length)]);
    } else if (kind < 98) {
      checkpoint();
    } else if (kind < 99) {
      reordered = !reordered;
      detection.reload(reordered ? REORDERED : RULES);
    } else {
      kill();
    }
  }

  private void request(int rule, int address, String place) {
    IpPrefix ip = ip(address);
    boolean allowed = writer.state().isAllowed(ip.hi(), ip.lo(), now);
    boolean passes = allowed || Inline.passes(detection, writer.state(), RULES, rule, ip, now);
    assertThat(passes).as(place).isEqualTo(model.request(rule, address, now));
  }

  private void append(BanEvent event) {
    assertThat(log.append(log.head(), List.of(event))).isInstanceOf(AppendResult.Appended.class);
    writer.catchUp();
    model.caughtUp();
  }

  private void banByHand(int address, Duration length) {
    Instant until = instant().plus(length);
    append(
        new BanEvent.Ban(
            instant(), ip(address), until, "manual", "", 0, SeenAs.MANUAL, "test", 1, null, null));
    model.ban(address, until.toEpochMilli());
  }

  private void round(FlakyBanLog.Outcome outcome) {
    nanos += Duration.ofSeconds(1).toNanos();
    flaky.outcome(outcome);
    detection.round();
    model.round(outcome, now);
  }

  private void checkpoint() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    detection.writeTo(new DataOutputStream(bytes));
    checkpoint = bytes.toByteArray();
    model.checkpoint();
  }

  /** What is in memory is lost, and the last checkpoint is taken up. */
  private void kill() throws IOException {
    writer = open();
    detection = detection();
    detection.readFrom(new DataInputStream(new ByteArrayInputStream(checkpoint)));
    model.kill();
  }

  /** Bans by rules in the log: address and end. */
  private List<String> bans() {
    List<String> bans = new ArrayList<>();
    for (SequencedEvent event : log.read(1, Integer.MAX_VALUE)) {
      if (event.event() instanceof BanEvent.Ban ban && !ban.rule().equals("manual")) {
        bans.add(NaiveRequests.ban((int) ban.ip().lo() - 0xCB00_7100, ban.until()));
      }
    }
    return bans;
  }
}
