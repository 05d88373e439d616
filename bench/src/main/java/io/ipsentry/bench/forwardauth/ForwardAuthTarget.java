package io.ipsentry.bench.forwardauth;

import com.sun.management.ThreadMXBean;
import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.http.ForwardAuthServer;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.PolicyJudge;
import io.ipsentry.bench.JudgedBans;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.List;

/**
 * The HTTP server that judges as {@code run} does, with bans in force, for {@code
 * bench/forward-auth.sh}: {@code ForwardAuthTarget PORT BANS}. At each line on standard input it
 * prints the calls since the line before, and the bytes that were allocated for one.
 */
public final class ForwardAuthTarget {
  private ForwardAuthTarget() {}

  /** Serves until standard input ends. */
  public static void main(String[] arguments) throws IOException {
    PolicyJudge.Parts judges =
        JudgedBans.judges(Integer.parseInt(arguments[1]), InstantSource.system());
    ThreadMXBean memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (EventLoops loops = EventLoops.start(1);
        ForwardAuthServer server =
            ForwardAuthServer.start(
                new InetSocketAddress(
                    InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0])),
                new ForwardAuthServer.Parts(
                    loops,
                    judges::judge,
                    (remote, certificates) -> CallerConnection.UNKNOWN,
                    () -> new ForwardAuthServer.Options(false, 1_024),
                    List::of,
                    null))) {
      System.out.println("ready");
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      long calls = 0;
      long bytes = memory.getTotalThreadAllocatedBytes();
      while (lines.readLine() != null) {
        var now = server.counters().snapshot();
        long allocated = memory.getTotalThreadAllocatedBytes();
        long more = now.allowed() + now.denied() - calls;
        System.out.printf(
            "calls=%d denied=%d bytes_a_call=%d%n",
            more, now.denied(), more == 0 ? 0 : (allocated - bytes) / more);
        calls += more;
        bytes = memory.getTotalThreadAllocatedBytes();
      }
    }
  }
}
