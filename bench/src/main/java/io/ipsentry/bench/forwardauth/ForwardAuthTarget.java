package io.ipsentry.bench.forwardauth;

import com.sun.management.ThreadMXBean;
import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.http.ForwardAuthServer;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.Denial;
import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.line.ClientAddress;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * The HTTP server with bans in force, for {@code bench/forward-auth.sh}: {@code ForwardAuthTarget
 * PORT BANS}. At each line on standard input it prints the calls since the line before, and the
 * bytes that were allocated for one.
 */
public final class ForwardAuthTarget {
  private ForwardAuthTarget() {}

  /** Serves until standard input ends. */
  public static void main(String[] arguments) throws IOException {
    ActiveBans bans = bans(Integer.parseInt(arguments[1]));
    ThreadMXBean memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (EventLoops loops = EventLoops.start(1);
        ForwardAuthServer server =
            ForwardAuthServer.start(
                new InetSocketAddress(
                    InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0])),
                new ForwardAuthServer.Parts(
                    loops,
                    () -> new BansJudge(bans),
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

  private static ActiveBans bans(int count) {
    ActiveBans bans = new ActiveBans();
    Random random = new Random(1);
    Instant until = Instant.parse("9000-01-01T00:00:00Z");
    for (int seq = 1; seq <= count; seq++) {
      // Class E is no client's: nobody of the load is among them.
      IpPrefix address = IpPrefix.ofV4(0xf000_0000 | random.nextInt());
      bans.apply(
          new SequencedEvent(
              seq,
              new BanEvent.Ban(
                  Instant.EPOCH,
                  address,
                  until,
                  "bench",
                  "bench",
                  1,
                  SeenAs.PEER,
                  "bench",
                  1,
                  null,
                  null)));
    }
    return bans;
  }

  /** Refuses who is banned: the client by {@code X-Forwarded-For}, and one lookup. */
  private static final class BansJudge implements RequestJudge {
    private static final Judgement DENIED =
        new Judgement.Denied(
            new Denial(403, List.of(), "Forbidden\n", "1", "bench", null, "banned", ""));

    private final ActiveBans bans;
    private final InstantSource clock = InstantSource.system();
    private final ClientAddressResolver resolver =
        new ClientAddressResolver(ClientAddressResolver.Settings.DEFAULT);
    private final RequestFacts facts = new RequestFacts();
    private final ClientAddress client = new ClientAddress();

    BansJudge(ActiveBans bans) {
      this.bans = bans;
    }

    @Override
    public Judgement judge(GatewayRequest request, Caller caller) {
      facts.clear();
      facts.peer().set(request.peer());
      facts.forwardedFor().set(request.forwardedFor());
      if (resolver.resolve(facts, client) != ClientAddressResolver.Outcome.FOUND) {
        return Judgement.Reason.NO_ADDRESS.allowed();
      }
      return bans.isBanned(client.hi(), client.lo(), clock.millis(), null)
          ? DENIED
          : Judgement.Reason.NOT_BANNED.allowed();
    }

    @Override
    public String clientHeader(GatewayRequest request) {
      return "";
    }

    @Override
    public Set<String> clientHeaders() {
      return Set.of();
    }
  }
}
