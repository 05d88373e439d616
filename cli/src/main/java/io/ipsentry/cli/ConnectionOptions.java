package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.banlog.SqliteFeedStore;
import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.config.Config;
import io.ipsentry.kubernetes.checkup.ClusterLook;
import io.ipsentry.kubernetes.feed.KeptFeeds;
import io.ipsentry.watcher.host.HostAddressReader;
import java.io.IOException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Which ban log a command acts on, and by which way.
 *
 * <p>A running instance that answers on its admin socket acts for us; where nobody answers, the
 * command opens the store itself. Both may write at once without harm, for the log is appended to
 * by compare-and-swap.
 */
final class ConnectionOptions {
  @Option(
      names = {"-c", "--config"},
      paramLabel = "FILE",
      description = {
        "Configuration that tells the store and the socket. Default: $IP_SENTRY_CONFIG, else"
            + " /etc/ip-sentry/ip-sentry.yaml if it exists, else what is built in."
      })
  private @Nullable Path config;

  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description = {
        "Go through the instance that runs on this admin socket, and no other way. Default:"
            + " admin.socket of the configuration, /run/ip-sentry/admin.sock; without root and"
            + " where /run/ip-sentry does not exist: $XDG_RUNTIME_DIR/ip-sentry/admin.sock."
      })
  private @Nullable Path socket;

  @Mixin private final ServerOptions server = new ServerOptions();
  @Mixin private final ClusterOptions cluster = new ClusterOptions();

  @Option(
      names = "--store",
      paramLabel = "FILE",
      description = {
        "Act on this ban log itself. Default, when nobody answers on the socket: store.path of the"
            + " configuration, /var/lib/ip-sentry/ip-sentry.db; without root and where"
            + " /var/lib/ip-sentry does not exist: ip-sentry/ip-sentry.db in $XDG_STATE_HOME or"
            + " ~/.local/state."
      })
  private @Nullable Path store;

  /** What a command wants of the store when it opens it itself. */
  enum Access {
    /** The store must exist. */
    EXISTING,
    /** It is created if need be. */
    CREATE
  }

  /** A way to the log, and what was found on it. */
  sealed interface Way {
    /**
     * An instance: on a socket, where somebody answers, or over TCP, where nobody was asked yet.
     */
    record Instance(AdminEndpoint endpoint) implements Way {}

    /**
     * The store itself.
     *
     * @param socket where nobody answered; null: nobody was asked
     */
    record Store(Path path, Locations locations, @Nullable Path socket) implements Way {}
  }

  /** Whether the user named a store and thereby ruled out an instance. */
  boolean namesStore() {
    return store != null;
  }

  /** Which file is the configuration; empty: none, what is built in holds. */
  Optional<Path> configFile(Shell shell) {
    return Locations.configFile(config, shell);
  }

  /** The configuration of this host. */
  Config config(Shell shell) {
    return Locations.find(config, shell, ExitCode.FAILED).config();
  }

  /** Looks for the way, without going it. */
  Way way(Shell shell) {
    if (Stream.of(server.isGiven(), socket != null, store != null).filter(given -> given).count()
        > 1) {
      throw CommandException.usage(
          "--server, --socket and --store are different ways; give one of them");
    }
    boolean here = socket != null || store != null;
    if (here && cluster.isGiven()) {
      throw CommandException.usage(
          "--socket and --store are on this host; leave out --kubeconfig, --context, --namespace"
              + " and --release");
    }
    boolean plugin = shell.variable(ClusterOptions.PLUGIN_VARIABLE).isPresent();
    if (!here && (plugin || cluster.isGiven())) {
      return new Way.Instance(inCluster(shell));
    }
    Optional<AdminEndpoint> named = server.endpoint(shell);
    if (named.isPresent()) {
      return new Way.Instance(named.get());
    }
    if (socket != null) {
      return switch (probe(socket)) {
        case ANSWERS -> new Way.Instance(new AdminEndpoint.Socket(socket));
        case ABSENT, REFUSED ->
            throw CommandException.failed(
                "nobody answers on " + socket + "; start ip-sentry run, or leave out --socket");
      };
    }
    Locations locations = Locations.find(config, shell, ExitCode.FAILED);
    if (store != null) {
      return new Way.Store(store, locations, null);
    }
    if (probe(locations.socket()) == Answer.ANSWERS) {
      return new Way.Instance(new AdminEndpoint.Socket(locations.socket()));
    }
    if (locations.config().store().kubernetes().isPresent()) {
      throw CommandException.failed(
          "nobody answers on "
              + locations.socket()
              + ", and the log of this configuration is in a cluster (store.kubernetes); go"
              + " there with --kubeconfig, or name an ip-sentry watcher with --server");
    }
    return new Way.Store(locations.store(), locations, locations.socket());
  }

  /**
   * The way into a cluster.
   *
   * @param look at it, with the rights of the person
   */
  record InCluster(
      ClusterLook look,
      String namespace,
      String release,
      Function<Optional<String>, AdminEndpoint> way) {
    /**
     * A watcher there; opens a tunnel to it.
     *
     * @param leader where the one is that is wanted; empty: any will do
     */
    AdminEndpoint endpoint(Optional<String> leader) {
      return way.apply(leader);
    }
  }

  /** Where the person means a release in a cluster; empty: he means this host, or a server. */
  Optional<InCluster> cluster(Shell shell) {
    boolean plugin = shell.variable(ClusterOptions.PLUGIN_VARIABLE).isPresent();
    if (socket != null || store != null || server.isGiven() || !plugin && !cluster.isGiven()) {
      return Optional.empty();
    }
    ClusterWay way = ClusterWay.of(cluster, shell);
    return Optional.of(
        new InCluster(
            way.look(cluster, shell),
            way.namespace(cluster),
            cluster.release().orElse(ClusterStoreConfig.DEFAULT_RELEASE),
            leader -> way.tunnel(cluster, server.insecureTunnel(), leader)));
  }

  private AdminEndpoint inCluster(Shell shell) {
    if (server.isGiven() && cluster.namesWatcher()) {
      throw CommandException.usage(
          "--server says which watcher; leave out --namespace and --release");
    }
    ClusterWay way = ClusterWay.of(cluster, shell);
    return server
        .endpoint(shell, way)
        .orElseGet(() -> way.tunnel(cluster, server.insecureTunnel(), Optional.empty()));
  }

  /** Opens the log. */
  BanOperations open(Shell shell, Access access) {
    return switch (way(shell)) {
      case Way.Instance instance -> new GrpcBanOperations(new AdminClient(instance.endpoint()));
      case Way.Store found -> open(found, shell, access);
    };
  }

  /** Opens the log in a store. */
  static BanOperations open(Way.Store found, Shell shell, Access access) {
    Path path = found.path();
    if (access == Access.EXISTING && !Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      String nobody = found.socket() == null ? "" : ", and nobody answers on " + found.socket();
      throw CommandException.failed(
          "there is no readable ban log "
              + path
              + nobody
              + "; start ip-sentry run, or name one with --store or --config");
    }
    Path feeds = SqliteFeedStore.pathBeside(path);
    ProtectedPrefixes protection =
        Protections.of(found.locations().config(), HostAddressReader.linux().read());
    if (!Files.exists(feeds)) {
      return LogBanOperations.owning(SqliteBanLog.open(path), protection, shell.clock());
    }
    SqliteFeedStore store = SqliteFeedStore.open(feeds);
    return LogBanOperations.owning(
        SqliteBanLog.open(path),
        protection,
        new KeptFeeds(store::get),
        store::close,
        shell.clock());
  }

  private enum Answer {
    ANSWERS,
    REFUSED,
    ABSENT
  }

  /** Whether somebody listens; asked without gRPC, which takes long to load. */
  private static Answer probe(Path socket) {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(socket));
      return Answer.ANSWERS;
    } catch (SocketException e) {
      String reason = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
      if (reason.contains("permission denied")) {
        throw CommandException.failed(
            "no permission to use the admin socket "
                + socket
                + "; run the command as root or as the user who runs ip-sentry",
            e);
      }
      return reason.contains("refused") ? Answer.REFUSED : Answer.ABSENT;
    } catch (IOException e) {
      return Answer.ABSENT;
    }
  }
}
