package io.ipsentry.bench;

import io.ipsentry.authz.verdict.BanState;
import io.ipsentry.authz.verdict.DenialLog;
import io.ipsentry.authz.verdict.Policies;
import io.ipsentry.authz.verdict.PolicyJudge;
import io.ipsentry.authz.verdict.VerdictCounters;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.detection.HitReceiver;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * What the servers that are measured judge by: as {@code run} does, with bans that were drawn from
 * a fixed seed, and without inline rules.
 */
public final class JudgedBans {
  /** Banned wherever there is a ban. */
  private static final IpPrefix BANNED = IpPrefix.parse("198.51.100.7");

  private static final String CONFIG =
      """
      trustedProxies: [10.0.0.0/8, 127.0.0.0/8]
      authz: { listen: "127.0.0.1:9001", client: x-forwarded-for, policies: { shop: {} } }
      """;

  private JudgedBans() {}

  /**
   * What makes the judges: the client by {@code X-Forwarded-For}, the default policy and {@code
   * shop}. Nobody in 203.0.0.0/8 is banned; 198.51.100.7 is.
   *
   * @param bans how many
   */
  public static PolicyJudge.Parts judges(int bans, InstantSource clock) {
    ConfigResult result =
        new ConfigLoader()
            .parse(
                "bench.yaml",
                CONFIG.getBytes(StandardCharsets.UTF_8),
                Path.of("").toAbsolutePath());
    if (!(result instanceof ConfigResult.Valid valid)) {
      throw new IllegalStateException(result.toString());
    }
    Policies policies = Policies.compile(valid.config());
    ActiveBans state = bans(bans, clock.instant());
    return new PolicyJudge.Parts(
        () -> policies,
        () -> ProtectedPrefixes.NONE,
        BanState.own(state),
        new NoHits(),
        new VerdictCounters(),
        new DenialLog(System::nanoTime),
        clock,
        System::nanoTime);
  }

  private static ActiveBans bans(int count, Instant now) {
    ActiveBans bans = new ActiveBans();
    Random random = new Random(1);
    for (int seq = 1; seq <= count; seq++) {
      int address = random.nextInt();
      // The one who asks is not banned, whatever is drawn.
      IpPrefix ip = seq == 1 ? BANNED : IpPrefix.ofV4((address >>> 24) == 203 ? seq : address);
      bans.apply(
          new SequencedEvent(
              seq,
              new BanEvent.Ban(
                  now,
                  ip,
                  now.plus(Duration.ofDays(1)),
                  "r",
                  "",
                  3,
                  SeenAs.PEER,
                  "w",
                  1,
                  null,
                  null)));
    }
    return bans;
  }

  /** There are no rules, so no hit comes. */
  public static final class NoHits implements HitReceiver {
    @Override
    public BanEvent.@Nullable Ban request(RuleSet rules, Hit hit) {
      throw new IllegalStateException("a hit without a rule");
    }

    @Override
    public BanEvent.@Nullable Ban pending(long hi, long lo, long atMillis, @Nullable String scope) {
      return null;
    }

    @Override
    public boolean logged(RuleSet rules, Hit hit) {
      throw new IllegalStateException("a hit without a rule");
    }
  }
}
