package io.ipsentry.bench.check;

import com.sun.management.ThreadMXBean;
import io.grpc.Server;
import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.envoy.AccessLogRules;
import io.ipsentry.authz.envoy.EnvoyServer;
import io.ipsentry.authz.envoy.EnvoyServer.Limits;
import io.ipsentry.authz.envoy.EnvoyServer.Parts;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.PolicyJudge;
import io.ipsentry.bench.JudgedBans;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;

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
      PolicyJudge.Parts judges = JudgedBans.judges(count, clock);
      EnvoyServer server =
          EnvoyServer.start(
              Services.loopback(),
              new Parts(
                  loops,
                  judges::judge,
                  (remote, certificates) -> CallerConnection.UNKNOWN,
                  () -> AccessLogRules.NONE,
                  new JudgedBans.NoHits(),
                  clock,
                  null),
              new Limits(MAX_CALLS, MAX_CALLS, Duration.ofDays(1), Duration.ofSeconds(1)));
      ports.append(" check-").append(count).append(' ').append(server.address().getPort());
    }
    System.out.println(ports);
    answer();
    System.exit(0);
  }

  private static void answer() throws IOException {
    ThreadMXBean threads = ManagementFactory.getPlatformMXBean(ThreadMXBean.class);
    BufferedReader commands =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    String command = commands.readLine();
    while (command != null) {
      System.out.println(processorNanos() + " " + threads.getTotalThreadAllocatedBytes());
      command = commands.readLine();
    }
  }

  /**
   * What all threads of this process have run (proc(5), {@code schedstat}): the process's own time
   * is counted in hundredths of a second, which is a thirtieth of a measurement.
   */
  private static long processorNanos() throws IOException {
    long nanos = 0;
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      for (Path task : tasks) {
        String times = Files.readString(task.resolve("schedstat"));
        nanos += Long.parseLong(times.substring(0, times.indexOf(' ')));
      }
    }
    return nanos;
  }
}
