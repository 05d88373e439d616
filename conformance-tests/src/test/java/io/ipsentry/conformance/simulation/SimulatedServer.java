package io.ipsentry.conformance.simulation;

import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.grpc.stub.StreamObserver;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.follow.LogFollower;
import io.ipsentry.authz.hits.HitReportClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.detection.RequestDetection;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.proto.v1.HitServiceGrpc;
import io.ipsentry.proto.v1.ReportRequest;
import io.ipsentry.proto.v1.ReportResponse;
import io.ipsentry.proto.v1.ReportedHit;
import io.ipsentry.rule.Hit;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** A process that sees requests and reports to an owner, as {@code authz-server} wires it. */
final class SimulatedServer implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  final FaultyLink link;
  final HitReportClient reporter;
  final LogFollower follower;
  final RequestDetection detection;
  private final AdminChannel channel;
  private final String name;

  /** Addresses of its hits, in the order of their numbers. */
  private final List<IpPrefix> hits = new ArrayList<>();

  /**
   * @param name unique
   */
  SimulatedServer(String name, Path directory, Path owner, long seed) {
    this.name = name;
    Path socket = directory.resolve(name + ".sock");
    link = new FaultyLink(socket, owner);
    channel = AdminChannel.open(new AdminEndpoint.Socket(socket));
    ActiveBans state = new ActiveBans();
    AtomicReference<HitReportClient.Reconciler> reconciler =
        new AtomicReference<>((lastHit, logHead) -> {});
    reporter =
        new HitReportClient(
            new HitReportClient.Parts(
                channel.channel(),
                channel::connectNow,
                name,
                HitReportClient.DEFAULT_CAPACITY,
                new Random(seed),
                (lastHit, logHead) -> reconciler.get().reconciled(lastHit, logHead)));
    detection =
        RequestDetection.provisional(Simulated.parts(ProtectedPrefixes.NONE), state, reporter)
            .start();
    reconciler.set(detection::reconciled);
    reporter.start();
    follower =
        new LogFollower(
                new LogFollower.Parts(
                    channel.channel(),
                    channel::connectNow,
                    state,
                    new Unheard(),
                    System::nanoTime,
                    new Random(seed)))
            .start();
  }

  private static final class Unheard implements FollowedLog.Listener {
    @Override
    public void applied(SequencedEvent event) {}

    @Override
    public void replaced(ActiveBans state) {}
  }

  /** Whether a request of an address is refused before any rule is asked; as the judge looks. */
  boolean refuses(IpPrefix ip) {
    long now = Simulated.NOW.toEpochMilli();
    return detection.pending(ip.hi(), ip.lo(), now, null) != null
        || follower.bans().isBanned(ip.hi(), ip.lo(), now, null);
  }

  /** A request that is a hit; false: refused. */
  boolean probe(IpPrefix ip) {
    if (refuses(ip)) {
      return false;
    }
    Hit hit = new Hit(0, ip.hi(), ip.lo(), SeenAs.PEER, Simulated.NOW.toEpochMilli(), "^/x", 1);
    hits.add(ip);
    return detection.request(Simulated.RULES, hit) == null;
  }

  int hits() {
    return hits.size();
  }

  /**
   * Sends hits that the owner has counted once more, in any order, and some behind them for the
   * first time, as if a network had kept them; on a stream that takes the place of the server's
   * own.
   */
  void sendAgain(Path owner, Random random) {
    try (AdminChannel direct = AdminChannel.open(new AdminEndpoint.Socket(owner))) {
      Responses responses = new Responses();
      StreamObserver<ReportRequest> requests =
          HitServiceGrpc.newStub(direct.channel()).report(responses);
      requests.onNext(
          ReportRequest.newBuilder()
              .setHello(ReportRequest.Hello.newBuilder().setReporter(name))
              .build());
      long counted = responses.awaitCounted(0);
      for (int i = 0; i < 3 && counted > 0; i++) {
        int first = random.nextInt((int) counted);
        requests.onNext(part(first, Math.min((int) counted, first + 1 + random.nextInt(40))));
      }
      int end = (int) Math.min(hits.size(), counted + random.nextInt(5));
      if (end > counted) {
        int first = Math.max(0, (int) counted - random.nextInt(5));
        requests.onNext(part(first, end));
        responses.awaitCounted(end);
      }
      requests.onCompleted();
      responses.awaitEnd();
    }
  }

  private ReportRequest part(int first, int end) {
    ReportRequest.Hits.Builder part = ReportRequest.Hits.newBuilder().setFirst(first + 1);
    for (IpPrefix ip : hits.subList(first, end)) {
      part.addHits(
          ReportedHit.newBuilder()
              .setRule("probing")
              .setAddress(
                  ByteString.copyFrom(
                      ByteBuffer.allocate(16).putLong(ip.hi()).putLong(ip.lo()).flip()))
              .setSeenAs(io.ipsentry.proto.v1.SeenAs.SEEN_AS_PEER)
              .setEventTime(Timestamp.newBuilder().setSeconds(Simulated.NOW.getEpochSecond()))
              .setPattern("^/x")
              .setPatternIdentity(1));
    }
    return ReportRequest.newBuilder().setHits(part).build();
  }

  /** What the owner says to hits that come again; it may end the stream for the server's own. */
  private static final class Responses implements StreamObserver<ReportResponse> {
    private final AtomicLong counted = new AtomicLong(-1);
    private final CountDownLatch end = new CountDownLatch(1);

    @Override
    public void onNext(ReportResponse response) {
      counted.set(response.getCounted());
    }

    @Override
    public void onError(Throwable cause) {
      end.countDown();
    }

    @Override
    public void onCompleted() {
      end.countDown();
    }

    /** Waits until so many are counted, or the stream has ended; returns how many are. */
    long awaitCounted(long wanted) {
      await()
          .pollInterval(Duration.ofMillis(1))
          .atMost(PATIENCE)
          .until(() -> counted.get() >= wanted || end.getCount() == 0);
      return counted.get();
    }

    void awaitEnd() {
      await().atMost(PATIENCE).until(() -> end.getCount() == 0);
    }
  }

  @Override
  public void close() {
    follower.close();
    reporter.close();
    detection.close();
    channel.close();
    link.close();
  }
}
