package io.ipsentry.authz.verdict;

import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.FeedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.config.AuthzConfig;
import io.ipsentry.config.ClientConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.DenialConfig;
import io.ipsentry.config.InlineRules;
import io.ipsentry.config.PolicyConfig;
import io.ipsentry.config.TrustedProxies;
import io.ipsentry.detection.DetectionObserver;
import io.ipsentry.detection.RequestDetection;
import io.ipsentry.line.Slice;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Match;
import io.ipsentry.rule.PathPattern;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleSet;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/** A judge over real detection and a log in memory, for tests. */
public final class Judging implements AutoCloseable {
  static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");
  static final Duration BAN = Duration.ofHours(24);

  public final AtomicLong now = new AtomicLong(NOW.toEpochMilli());
  final InMemoryBanLog log = new InMemoryBanLog();
  final VerdictCounters counters = new VerdictCounters();
  final AtomicReference<ProtectedPrefixes> protection =
      new AtomicReference<>(ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)));
  final AtomicReference<Policies> policies;
  final AtomicReference<FeedPrefixes> feeds = new AtomicReference<>(FeedPrefixes.NONE);
  final BanWriter writer;
  final RequestDetection detection;
  final PolicyJudge.Parts parts;
  public final PolicyJudge judge;
  private final GatewayRequest request = new GatewayRequest();

  public Judging(Config config) {
    policies = new AtomicReference<>(Policies.compile(config));
    BanPolicy policy = new BanPolicy(new BanPolicy.Settings("test", 0, 64, false, 7));
    writer = new BanWriter(log, new ActiveBans(), this::instant, policy::observe);
    detection =
        RequestDetection.appending(
                new RequestDetection.Parts(
                    RuleSet.compile(InlineRules.of(config)),
                    16 << 20,
                    64,
                    policy,
                    protection.get(),
                    DetectionObserver.NONE,
                    this::instant,
                    System::nanoTime,
                    nanos -> {}),
                writer,
                (rules, hit) -> false)
            .start();
    parts =
        new PolicyJudge.Parts(
            policies::get,
            protection::get,
            new OwnState(writer.state(), feeds::get),
            detection,
            counters,
            new DenialLog(System::nanoTime),
            this::instant,
            System::nanoTime);
    judge = parts.judge();
  }

  /** The log and feeds of this process. */
  private record OwnState(ActiveBans bans, Supplier<FeedPrefixes> fed) implements BanState {
    @Override
    public FeedPrefixes feeds() {
      return fed.get();
    }

    @Override
    public boolean isSynced() {
      return true;
    }

    @Override
    public Duration age() {
      return Duration.ZERO;
    }
  }

  Instant instant() {
    return Instant.ofEpochMilli(now.get());
  }

  void reload(Config config) {
    detection.reload(RuleSet.compile(InlineRules.of(config)));
    policies.set(Policies.compile(config));
  }

  @Override
  public void close() {
    detection.close();
    log.close();
  }

  /** Judges a request of the default policy. */
  Judgement judge(String client, String target) {
    return judge("", client, target, Caller.TRUSTED);
  }

  Judgement judge(String policy, String client, String target, Caller caller) {
    return judge.judge(request(policy, client, target), caller);
  }

  GatewayRequest request(String policy, String client, String target) {
    request.clear();
    set(request.policy(), policy);
    set(request.peer(), client);
    set(request.method(), "GET");
    set(request.host(), "shop.example");
    set(request.target(), target);
    return request;
  }

  public static void set(Slice slice, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    slice.set(bytes, 0, bytes.length);
  }

  /** The reason or refusal in one word. */
  public static String word(Judgement judgement) {
    return switch (judgement) {
      case Judgement.Allowed allowed -> allowed.reason().wireName();
      case Judgement.Denied denied -> "denied";
      case Judgement.Unavailable unavailable -> unavailable.cause();
    };
  }

  public void append(BanEvent... events) {
    writer.write((state, at) -> List.of(events));
  }

  public BanEvent.Ban ban(String ip, String scope) {
    return new BanEvent.Ban(
        instant(),
        IpPrefix.parse(ip),
        instant().plus(BAN),
        "manual",
        "spam",
        0,
        SeenAs.MANUAL,
        "cli",
        1,
        null,
        scope.isEmpty() ? null : scope);
  }

  // ---- configuration

  /** {@code block:REGEX}, {@code allow:REGEX}, or an expression that counts. */
  public static Rule rule(String name, Rule.Mode mode, int threshold, String... paths) {
    return rule(name, mode, threshold, Set.of(), Ignore.NOTHING, paths);
  }

  static Rule rule(
      String name,
      Rule.Mode mode,
      int threshold,
      Set<String> methods,
      Ignore ignore,
      String... paths) {
    List<PathPattern> patterns =
        Arrays.stream(paths)
            .map(path -> {
              int colon = path.indexOf(':');
              PathPattern.Mode pathMode =
                  colon < 0
                      ? PathPattern.Mode.COUNT
                      : path.startsWith("block") ? PathPattern.Mode.BLOCK : PathPattern.Mode.ALLOW;
              return new PathPattern(path.substring(colon + 1), pathMode, null);
            })
            .toList();
    Match match =
        new Match(
            patterns, null, null, methods, List.of(), List.of(), List.of(), false, Set.of(), false);
    return new Rule(
        new RuleId(name),
        Rule.On.REQUEST,
        mode,
        match,
        ignore,
        threshold,
        0,
        Duration.ofMinutes(2),
        new BanTerms(BAN, null));
  }

  public static PolicyConfig policy(String name, Rule.Mode mode, boolean scoped) {
    return policy(name, ClientConfig.AUTO, "", TrustedProxies.DEFAULT, mode, scoped);
  }

  static PolicyConfig policy(
      String name,
      ClientConfig client,
      String clientHeader,
      TrustedProxies trusted,
      Rule.Mode mode,
      boolean scoped) {
    return new PolicyConfig(
        name,
        client,
        clientHeader,
        trusted,
        null,
        mode,
        scoped,
        Optional.empty(),
        DenialConfig.DEFAULT);
  }

  public static Config config(List<Rule> rules, PolicyConfig byDefault, PolicyConfig... others) {
    Map<String, PolicyConfig> policies = new LinkedHashMap<>();
    for (PolicyConfig other : others) {
      policies.put(other.name(), other);
    }
    Config shipped = Config.defaults();
    return new Config(
        List.of(),
        rules,
        shipped.neverBan(),
        shipped.allow(),
        shipped.alwaysBan(),
        true,
        shipped.trustedProxies(),
        shipped.limits(),
        shipped.store(),
        shipped.admin(),
        shipped.metrics(),
        shipped.ipv6(),
        Optional.of(
            new AuthzConfig(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                true,
                AuthzConfig.DEFAULT_MAX_CONCURRENT_CHECKS,
                AuthzConfig.DEFAULT_DENIALS_LOGGED_PER_SECOND,
                List.of(),
                byDefault,
                policies)),
        Optional.empty(),
        List.of(),
        List.of());
  }

  static Config config(Rule... rules) {
    return config(List.of(rules), policy("", Rule.Mode.ENFORCE, false));
  }
}
