package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.config.ClusterStoreConfig;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Which log a process follows that keeps none. Stateless. */
final class LogOrigins {
  private LogOrigins() {}

  /**
   * The owner that was named, else the cluster of {@code store.kubernetes}, else the owner on the
   * admin socket of the configuration.
   *
   * @param server {@code --server}
   * @param socket {@code --socket}; null: not given
   */
  static FollowedState open(
      Optional<AdminEndpoint> server, @Nullable Path socket, Locations locations, Shell shell) {
    Optional<ClusterStoreConfig> cluster = locations.config().store().kubernetes();
    if (server.isEmpty() && socket == null && cluster.isPresent()) {
      return new ClusterState(cluster.get(), shell.clock());
    }
    return new OwnedState(
        server.orElseGet(
            () -> new AdminEndpoint.Socket(socket == null ? locations.socket() : socket)));
  }
}
