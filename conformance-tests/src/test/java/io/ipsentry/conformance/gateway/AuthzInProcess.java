package io.ipsentry.conformance.gateway;

import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.http.ForwardAuthCounters;
import io.ipsentry.authz.http.ForwardAuthServer;
import io.ipsentry.authz.transport.EventLoops;
import io.ipsentry.authz.verdict.Denial;
import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge;
import io.ipsentry.line.ClientAddress;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.net.IpPrefix;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The HTTP server for gateways in the process of the test, which says who is banned and when the
 * server is in trouble or slow, and sees what each gateway asked.
 */
final class AuthzInProcess implements AutoCloseable {
  private final Set<IpPrefix> banned = ConcurrentHashMap.newKeySet();
  private final BlockingQueue<Asked> asked = new LinkedBlockingQueue<>();
  private final EventLoops loops = EventLoops.start(1);
  private final int port;
  private volatile boolean failOpen;
  private volatile boolean inTrouble;
  private volatile long delayNanos;
  private ForwardAuthServer server;

  /** One question of the gateway, and who its client is. */
  record Asked(String client, String method, String host, String target, String userAgent) {}

  /** Starts it on a free port of loopback. */
  AuthzInProcess() {
    server = start(0);
    port = server.address().getPort();
  }

  private ForwardAuthServer start(int at) {
    return ForwardAuthServer.start(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), at),
        new ForwardAuthServer.Parts(
            loops,
            Judge::new,
            (remote, certificates) -> CallerConnection.UNKNOWN,
            () -> new ForwardAuthServer.Options(failOpen, 64),
            List::of,
            null));
  }

  /** Where gateways are to ask. */
  String address() {
    return "127.0.0.1:" + port;
  }

  void ban(String address) {
    banned.add(IpPrefix.parse(address));
  }

  void unban(String address) {
    banned.remove(IpPrefix.parse(address));
  }

  /** Whether it can tell nothing, and what it says then. */
  void trouble(boolean on, boolean open) {
    inTrouble = on;
    failOpen = open;
  }

  /** How long each judgement takes; as long as this no other one is made. */
  void delayMillis(long millis) {
    delayNanos = TimeUnit.MILLISECONDS.toNanos(millis);
  }

  /** The next question since {@link #forget}. */
  Asked nextAsked() throws InterruptedException {
    Asked next = asked.poll(10, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("the gateway did not ask");
    }
    return next;
  }

  void forget() {
    asked.clear();
  }

  ForwardAuthCounters.Snapshot counters() {
    return server.counters().snapshot();
  }

  /** Stops to serve, as a crash or an update does. */
  void stop() {
    server.close();
  }

  /** Serves again, at the same address. */
  void restart() {
    server = start(port);
  }

  @Override
  public void close() {
    server.close();
    loops.close();
  }

  private final class Judge implements RequestJudge {
    private final ClientAddressResolver resolver =
        new ClientAddressResolver(ClientAddressResolver.Settings.DEFAULT);
    private final RequestFacts facts = new RequestFacts();
    private final ClientAddress client = new ClientAddress();

    @Override
    public Judgement judge(GatewayRequest request, Caller caller) {
      LockSupport.parkNanos(delayNanos);
      facts.clear();
      facts.peer().set(request.peer());
      facts.forwardedFor().set(request.forwardedFor());
      if (resolver.resolve(facts, client) != ClientAddressResolver.Outcome.FOUND) {
        return Judgement.Reason.NO_ADDRESS.allowed();
      }
      IpPrefix address = IpPrefix.address(client.hi(), client.lo());
      asked.add(
          new Asked(
              address.toString(),
              request.method().toString(),
              request.host().toString(),
              request.target().toString(),
              request.userAgent().toString()));
      if (inTrouble) {
        return new Judgement.Unavailable("not-synced");
      }
      return banned.contains(address)
          ? new Judgement.Denied(denial(address))
          : Judgement.Reason.NOT_BANNED.allowed();
    }

    private static Denial denial(IpPrefix address) {
      return new Denial(
          403,
          List.of(
              new Denial.Header("x-ip-sentry", "banned"),
              new Denial.Header("x-ip-sentry-ban-id", "42"),
              new Denial.Header("content-type", "text/plain; charset=utf-8")),
          "Forbidden (42)\n",
          "42",
          "test",
          null,
          address.toString(),
          "");
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
