package io.ipsentry.bench.check;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.grpc.Server;
import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.envoy.AccessLogRules;
import io.ipsentry.authz.envoy.EnvoyServer;
import io.ipsentry.authz.envoy.EnvoyServer.Limits;
import io.ipsentry.authz.envoy.EnvoyServer.Parts;
import io.ipsentry.authz.transport.EventLoops;
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
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * The servers of one run, on one event loop of one JVM, so that they are compiled alike: an echo,
 * checks through the generated classes, and checks as we serve them with 0, 100,000 and a million
 * bans. Prints their ports; answers {@code stats} on standard input with its processor time and
 * allocated bytes.
 */
public final class CheckServers {
  private static final int[] BANS = {0, 100_000, 1_000_000};

  /** Beyond what the load generators have on their way: overload is not measured here. */
  private static final int MAX_CALLS = 1_000_000;

  private CheckServers() {}

  /** Serves until standard input ends. */
  public static void main(String[] arguments) throws IOException {
    InstantSource clock = InstantSource.system();
    EventLoops loops = EventLoops.start(1);
    Server echo = Services.echo(loops);
    Server generated = Services.generated(loops);
    StringBuilder ports =
        new StringBuilder("ports echo " + echo.getPort() + " generated " + generated.getPort());
    for (int count : BANS) {
      PolicyJudge.Parts judges = judges(bans(count, clock.instant()), clock);
      EnvoyServer server =
          EnvoyServer.start(
              Services.loopback(),
              new Parts(
                  loops,
                  judges::judge,
                  (remote, certificates) -> CallerConnection.UNKNOWN,
                  () -> AccessLogRules.NONE,
                  new NoHits(),
                  clock,
                  null),
              new Limits(MAX_CALLS, MAX_CALLS, Duration.ofDays(1), Duration.ofSeconds(1)));
      ports.append(" check-").append(count).append(' ').append(server.address().getPort());
    }
    System.out.println(ports);
    answer();
    System.exit(0);
  }

  /**
   * What makes the judges: bans alone, the client by {@code X-Forwarded-For}, and one more policy.
   */
  private static PolicyJudge.Parts judges(ActiveBans bans, InstantSource clock) {
    String yaml =
        """
        trustedProxies: 10.0.0.0/8
        authz: { listen: "127.0.0.1:9001", client: x-forwarded-for, policies: { shop: {} } }
        """;
    ConfigResult result =
        new ConfigLoader()
            .parse(
                "bench.yaml", yaml.getBytes(StandardCharsets.UTF_8), Path.of("").toAbsolutePath());
    if (!(result instanceof ConfigResult.Valid valid)) {
      throw new IllegalStateException(result.toString());
    }
    Policies policies = Policies.compile(valid.config());
    return new PolicyJudge.Parts(
        () -> policies,
        () -> ProtectedPrefixes.NONE,
        BanState.own(bans),
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
      IpPrefix ip = IpPrefix.ofV4((address >>> 24) == 203 ? seq : address);
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

  private static void answer() throws IOException {
    OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    ThreadMXBean threads = ManagementFactory.getPlatformMXBean(ThreadMXBean.class);
    BufferedReader commands =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    String command = commands.readLine();
    while (command != null) {
      System.out.println(system.getProcessCpuTime() + " " + threads.getTotalThreadAllocatedBytes());
      command = commands.readLine();
    }
  }

  /** There are no rules, so no hit comes. */
  private static final class NoHits implements HitReceiver {
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
