package io.ipsentry.stage;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** The configurations of the processes. Confined to one thread at a time. */
final class StageConfigs {
  private static final String NEVER_BAN =
      "neverBan: [\"%s\", \"%s\"]\n".formatted(Addresses.MONITOR, Addresses.MONITOR6);

  /** All processes have them, for rules name them; who leads reads them. */
  private static final String SOURCES =
      """
      sources:
        - name: gateway
          pods: { namespace: %1$s, selector: app=gateway, container: nginx }
          format: ngf-json
          client: x-forwarded-for
        - name: shop
          pods: { namespace: %1$s, selector: app=gateway, container: shop }
          regex: 'crm_auth_failure ip=(?<addr>\\S+) provider=\\w+ code=PASSWORD_INVALID'
          seenAs: peer
      """
          .formatted(Release.GATEWAYS);

  private static final String METRICS = "metrics: { listen: \":9003\" }\n";

  private final Release release;
  private final Duration lease;

  /** The section {@code store} by the directory that its files are in: they are written once. */
  private final Map<Path, String> stores = new HashMap<>();

  StageConfigs(Release release, Duration lease) {
    this.release = release;
    this.lease = lease;
  }

  /** Of a watcher, which reads the logs of the gateways and of the application behind them. */
  synchronized String watcher(Path directory, String address, String rules) {
    return rules
        + NEVER_BAN
        + METRICS
        + stores.computeIfAbsent(
            directory, made -> release.keeping(made, address, lease.toSeconds()))
        + SOURCES
        + """
        admin: { socket: %s/admin.sock, listen: ":9004", kubernetesAuth: true, insecure: true }
        """
            .formatted(directory);
  }

  /** Of an authz-server, whose callers are the gateways' pods. */
  synchronized String authzServer(Path directory, String rules) {
    return rules
        + NEVER_BAN
        + METRICS
        + stores.computeIfAbsent(directory, release::following)
        + SOURCES
        + """
        trustedProxies: [%1$s]
        authz: { http: ":9002", client: x-forwarded-for, seenAs: peer, callers: [%1$s] }
        """
            .formatted(Addresses.PODS);
  }

  /** Of an enforcer. */
  synchronized String enforcer(Path directory, String section) {
    return NEVER_BAN
        + "metrics: { listen: \"127.0.0.1:9003\" }\n"
        + stores.computeIfAbsent(directory, release::following)
        + "enforcer: { "
        + section
        + " }\n";
  }
}
