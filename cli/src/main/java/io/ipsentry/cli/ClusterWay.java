package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.TokenSource;
import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.kubernetes.checkup.ClusterLook;
import io.ipsentry.kubernetes.tunnel.Kubeconfig;
import io.ipsentry.kubernetes.tunnel.WatcherTunnel;
import java.util.Optional;
import javax.net.ssl.KeyManager;

/**
 * The way into a cluster. The classes of its client are many, and are loaded only by those who go
 * it.
 */
final class ClusterWay {
  private final Kubeconfig kubeconfig;

  private ClusterWay(Kubeconfig kubeconfig) {
    this.kubeconfig = kubeconfig;
  }

  /** Reads the kubeconfig; its user's program may ask the person something. */
  static ClusterWay of(ClusterOptions options, Shell shell) {
    Kubeconfig kubeconfig = Kubeconfig.read(options.kubeconfigs(shell), options.context());
    if (kubeconfig.token().isEmpty() && kubeconfig.certificate().isEmpty()) {
      throw CommandException.failed(
          "the user of the context "
              + kubeconfig.context()
              + " has neither a token nor a client certificate, so nobody would know you; log in to"
              + " the cluster, or name another context with --context");
    }
    return new ClusterWay(kubeconfig);
  }

  /** What its user shows, if it is a token. */
  Optional<TokenSource> token() {
    return kubeconfig.token().map(token -> () -> token);
  }

  /** What its user shows, if it is a certificate. */
  Optional<KeyManager> certificate() {
    return kubeconfig.certificate();
  }

  /**
   * Through the API server to a watcher.
   *
   * @param insecure whether the watcher is spoken to without TLS
   * @param leader {@code HOST:PORT} of the one that is taken if it is there; empty: any
   */
  AdminEndpoint tunnel(ClusterOptions options, boolean insecure, Optional<String> leader) {
    if (insecure && kubeconfig.token().isEmpty()) {
      throw CommandException.usage(
          "--insecure is without TLS, in which alone a client certificate can be shown, and the"
              + " user of the context "
              + kubeconfig.context()
              + " has no token");
    }
    WatcherTunnel tunnel =
        WatcherTunnel.open(
            kubeconfig,
            options.namespace().orElseGet(kubeconfig::namespace),
            options.release().orElse(ClusterStoreConfig.DEFAULT_RELEASE),
            leader);
    // The API server, whose certificate was verified, leads into this very pod: the certificate
    // behind it proves nothing more, and is for names that nobody calls here.
    Optional<AdminEndpoint.Tls> tls =
        insecure
            ? Optional.empty()
            : Optional.of(
                new AdminEndpoint.Tls(
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    certificate(),
                    false));
    return new AdminEndpoint.Tunnel("pod " + tunnel.pod(), new Passage(tunnel), tls, token());
  }

  /** A look at the cluster with the rights of its user. */
  ClusterLook look(ClusterOptions options, Shell shell) {
    return ClusterLook.open(
        kubeconfig,
        namespace(options),
        options.release().orElse(ClusterStoreConfig.DEFAULT_RELEASE),
        shell.clock());
  }

  /** Where the release is. */
  String namespace(ClusterOptions options) {
    return options.namespace().orElseGet(kubeconfig::namespace);
  }

  /** The tunnel, as a channel sees it. */
  private record Passage(WatcherTunnel tunnel) implements AdminEndpoint.Passage {
    @Override
    public String host() {
      return tunnel.address().getHostAddress();
    }

    @Override
    public int port() {
      return tunnel.port();
    }

    @Override
    public Optional<String> problem() {
      return tunnel.problem();
    }

    @Override
    public void close() {
      tunnel.close();
    }
  }
}
