package io.ipsentry.bench;

import io.ipsentry.authz.verdict.BanState;
import io.ipsentry.authz.verdict.DenialLog;
import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.authz.verdict.Policies;
import io.ipsentry.authz.verdict.PolicyJudge;
import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.authz.verdict.VerdictCounters;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.config.Config;
import io.ipsentry.config.InlineRules;
import io.ipsentry.detection.DetectionObserver;
import io.ipsentry.detection.RequestDetection;
import io.ipsentry.line.Slice;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What judging one request costs without the transport: the shipped rule {@code probing} as an
 * inline rule, addresses in random order, as many bans as {@code bans} says. Run with {@code -prof
 * gc} for bytes a request.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class PolicyJudgeBenchmark {
  private static final int PROBES = 1 << 16;
  private static final String[] TARGETS = {
    "/", "/index.html", "/api/v1/orders?page=2&size=50", "/static/app.3f9c.js", "/img/logo.png"
  };

  @Param({"0", "100000", "1000000"})
  private int bans;

  private final byte[][] clients = new byte[PROBES][];
  private final byte[][] banned = new byte[PROBES][];
  private final byte[][] targets = new byte[TARGETS.length][];
  private final GatewayRequest request = new GatewayRequest();

  @SuppressWarnings("NullAway.Init") // JMH calls fill() first
  private PolicyJudge judge;

  @SuppressWarnings("NullAway.Init") // as above
  private RequestDetection detection;

  @SuppressWarnings("NullAway.Init") // as above
  private RuleSet rules;

  private int at;

  /** Bans random addresses. */
  @Setup
  public void fill() {
    Config shipped = Config.defaults();
    List<Rule> inline =
        shipped.rules().stream()
            .filter(rule -> rule.id().name().equals("probing"))
            .map(PolicyJudgeBenchmark::inline)
            .toList();
    Config config = withRules(shipped, inline);
    Random random = new Random(1);
    ActiveBans state = new ActiveBans();
    Instant now = Instant.now();
    for (int i = 0; i < PROBES; i++) {
      clients[i] = text(0x0B00_0000 | random.nextInt(1 << 24));
      banned[i] = clients[i];
    }
    for (int seq = 1; seq <= bans; seq++) {
      int address = 0xC000_0000 | random.nextInt(1 << 28);
      banned[seq & PROBES - 1] = text(address);
      IpPrefix ip = IpPrefix.ofV4(address);
      state.apply(
          new SequencedEvent(
              seq, new BanEvent.Ban(now, ip, null, "r", "", 3, SeenAs.PEER, "w", 1, null, null)));
    }
    for (int i = 0; i < TARGETS.length; i++) {
      targets[i] = TARGETS[i].getBytes(StandardCharsets.US_ASCII);
    }
    Policies policies = Policies.compile(config);
    ProtectedPrefixes protection = ProtectedPrefixes.of(ProtectedPrefixes.reserved(true));
    rules = RuleSet.compile(InlineRules.of(config));
    BanPolicy policy = new BanPolicy(new BanPolicy.Settings("bench", 1_000, 64, true, 1));
    detection =
        RequestDetection.appending(
            new RequestDetection.Parts(
                rules,
                64L << 20,
                64,
                policy,
                protection,
                DetectionObserver.NONE,
                InstantSource.system(),
                System::nanoTime,
                nanos -> {}),
            new BanWriter(new InMemoryBanLog(), state, InstantSource.system(), policy::observe),
            (set, hit) -> false);
    judge =
        new PolicyJudge.Parts(
                () -> policies,
                () -> protection,
                BanState.own(state),
                detection,
                new VerdictCounters(),
                new DenialLog(System::nanoTime),
                InstantSource.system(),
                System::nanoTime)
            .judge();
  }

  /** Ends the detection. */
  @TearDown
  public void close() {
    detection.close();
  }

  private static Rule inline(Rule rule) {
    return new Rule(
        rule.id(),
        Rule.On.REQUEST,
        rule.mode(),
        rule.match(),
        rule.ignore(),
        rule.threshold(),
        rule.distinct(),
        rule.window(),
        rule.ban());
  }

  private static Config withRules(Config config, List<Rule> rules) {
    return new Config(
        List.of(),
        rules,
        config.neverBan(),
        config.allow(),
        config.alwaysBan(),
        true,
        config.trustedProxies(),
        config.limits(),
        config.store(),
        config.admin(),
        config.metrics(),
        config.ipv6(),
        Optional.empty(),
        Optional.empty(),
        List.of(),
        List.of());
  }

  private static byte[] text(int address) {
    return IpPrefix.ofV4(address).toString().getBytes(StandardCharsets.US_ASCII);
  }

  private static void set(Slice slice, byte[] bytes) {
    slice.set(bytes, 0, bytes.length);
  }

  private GatewayRequest request(byte[][] peers) {
    at++;
    request.clear();
    set(request.peer(), peers[at & PROBES - 1]);
    set(request.method(), GET);
    set(request.host(), HOST);
    set(request.target(), targets[at % TARGETS.length]);
    set(request.userAgent(), AGENT);
    return request;
  }

  private static final byte[] GET = "GET".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] HOST = "shop.example".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] AGENT =
      "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
          .getBytes(StandardCharsets.US_ASCII);

  /** A request that goes on. */
  @Benchmark
  public Object judge_allowed() {
    return judge.judge(request(clients), Caller.TRUSTED);
  }

  /** A request of a banned client, with what it is answered; with no bans, one that goes on. */
  @Benchmark
  public Object judge_banned() {
    return judge.judge(request(banned), Caller.TRUSTED);
  }

  /** A hit that counts and does not ban: each address hits about once a window. */
  @Benchmark
  public @Nullable Object hit_counted() {
    at++;
    long address = 0x0B00_0000L | at * 2_654_435_761L & 0xFF_FFFF;
    return detection.request(
        rules,
        new Hit(
            0, 0, 0xFFFFL << 32 | address, SeenAs.PEER, System.currentTimeMillis(), "^/\\.env", 1));
  }
}
