package io.ipsentry.authz.forward;

import io.grpc.Channel;
import io.ipsentry.authz.admin.AdminCallers;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.authz.admin.AdminTcp;
import io.ipsentry.authz.admin.ScriptedCluster;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.BanServiceGrpc.BanServiceBlockingStub;
import io.ipsentry.proto.v1.GetStatusResponse;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;

/** Replicas of one log, each with its own idea of who leads; closes what it opened. */
final class Replicas implements AutoCloseable {
  static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");
  private static final ForwardingBanOperations.Limits LIMITS =
      new ForwardingBanOperations.Limits(
          Duration.ofSeconds(3), Duration.ofSeconds(2), Duration.ofSeconds(1));

  final InMemoryBanLog log = new InMemoryBanLog();
  final ScriptedCluster cluster = new ScriptedCluster();
  private final Path directory;
  private final ArrayDeque<Runnable> opened = new ArrayDeque<>();
  private int started;

  Replicas(Path directory) {
    this.directory = directory;
    cluster.user("replica", "forward").user("ann", "create", "delete", "allow", "get", "report");
  }

  /** One of them. */
  final class Replica {
    final AtomicReference<LeaderView> view =
        new AtomicReference<>(new LeaderView.Nobody("nobody holds the Lease"));
    final BanWriter writer = new BanWriter(log, new ActiveBans(), () -> NOW, event -> {});
    final LeaderChannel leader = new LeaderChannel(view::get, Optional.empty(), () -> "replica");
    final ForwardingHitService relay = new ForwardingHitService(leader);
    final AdminServer server;
    final String address;

    private Replica(String name, UnaryOperator<BanOperations> around) {
      LogBanOperations own =
          new LogBanOperations(
              log,
              log,
              writer,
              () -> ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)),
              () -> NOW);
      ForwardingBanOperations operations =
          new ForwardingBanOperations(
              around.apply(own),
              leader,
              new ForwardingBanOperations.Replica() {
                @Override
                public long head() {
                  return writer.state().head();
                }

                @Override
                public void catchUp() {
                  writer.catchUp();
                }
              },
              LIMITS,
              System::nanoTime,
              new Random(1));
      AdminCallers nobody = new AdminCallers(List.of(), false);
      server =
          AdminServer.builder(operations, GetStatusResponse::getDefaultInstance)
              .service(relay)
              .tcp(
                  new AdminTcp(
                      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                      Optional.empty(),
                      () -> nobody,
                      Optional.of(cluster)))
              .start(directory.resolve(name + ".sock"));
      address = "127.0.0.1:" + server.port();
      opened.push(server::close);
      opened.push(leader::close);
    }

    void leads() {
      view.set(new LeaderView.Self());
    }

    void follows(Replica other) {
      view.set(new LeaderView.Other("watcher-" + other.address, other.address));
    }

    /** A client that shows a token. */
    Channel as(String token) {
      AdminChannel channel =
          AdminChannel.open(
              new AdminEndpoint.Tcp(
                  "127.0.0.1", server.port(), Optional.empty(), Optional.of(() -> token)));
      opened.push(channel::close);
      return channel.channel();
    }

    BanServiceBlockingStub bans(String token) {
      return BanServiceGrpc.newBlockingStub(as(token));
    }
  }

  Replica start() {
    return start(UnaryOperator.identity());
  }

  /**
   * @param around what this replica does while it leads
   */
  Replica start(UnaryOperator<BanOperations> around) {
    return new Replica("r" + ++started, around);
  }

  @Override
  public void close() {
    opened.forEach(Runnable::run);
    log.close();
  }
}
