package io.ipsentry.conformance.chart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.ipsentry.conformance.cluster.Relay;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A release that Helm puts in the place of the original's into a real API server; its components as
 * processes, with its configuration, certificates, accounts and rights, become ready and do their
 * work; a changed rule reaches them without a restart.
 */
@RequiresRoot
@RequiresCluster
@RequiresProgram({"ip", "ipset", "iptables-legacy"})
final class ChartProcessesIT {
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT).withZone(ZoneOffset.UTC);

  /** What the original has written. */
  private static final String BLOCKLIST =
      """
      {"203.0.113.50": {"banned_at": "2026-11-20T10:00:00Z", "expires_at": "2099-01-01T00:00:00Z", "reason": "^/wp-admin", "hit_count": 5},
       "203.0.113.51": {"banned_at": "2026-11-20T10:00:00Z", "expires_at": "2026-11-21T10:00:00Z", "reason": "^/wp-admin", "hit_count": 5}}
      """;

  private final TestCluster cluster = TestCluster.shared();
  private final InstalledRelease release = new InstalledRelease(cluster);

  @TempDir private Path directory;

  private String values() {
    return """
    preset: none
    sources: [{ name: nginx, file: "%s/access.log", format: combined }]
    rules: [{ name: inline, on: request, match: { paths: ['^/\\.env'] }, threshold: 2 }]
    config:
      authz: { callers: [127.0.0.1] }
      trustedProxies: [127.0.0.1]
      store: { leader: { lease: 3s } }
    """
        .formatted(directory);
  }

  private RunningPod launch(String component, String key, UnaryOperator<List<String>> wrapper)
      throws IOException {
    Path own = Files.createDirectories(directory.resolve(component));
    return RunningPod.launch(own, release.pod(directory, component, key), wrapper);
  }

  private void probe(String address, String path, int times) throws IOException {
    String line =
        "%s - - [%s] \"GET %s HTTP/1.1\" 200 153 \"-\" \"curl\"\n"
            .formatted(address, STAMP.format(Instant.now()), path);
    Files.writeString(
        directory.resolve("access.log"),
        line.repeat(times),
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  private static void until(String what, Callable<Boolean> condition) {
    await(what)
        .atMost(RunningIpSentry.PATIENCE)
        .pollInterval(Duration.ofMillis(100))
        .until(condition);
  }

  private static boolean isBanned(RunningPod watcher, String address) {
    return IpSentry.run("get", address, "--socket", watcher.socket().toString()).exitCode() == 0;
  }

  private long[] generations() {
    return new long[] {
      release.get(Deployment.class, "ip-sentry-watcher").getMetadata().getGeneration(),
      release.get(Deployment.class, "ip-sentry-authz-server").getMetadata().getGeneration(),
      release.get(DaemonSet.class, "ip-sentry-enforcer").getMetadata().getGeneration()
    };
  }

  @Test
  void release_inPlaceOfTheOriginal_keepsItsBansAndTakesARuleWithoutARestart() throws Exception {
    release.upgradeTo(OriginalChart.in(directory));
    String patched =
        release
            .kubectl()
            .run(
                "patch",
                "configmap",
                "ip-sentry-blocklist",
                "--type=merge",
                "-p",
                "{\"data\":{\"blocklist.json\":%s}}"
                    .formatted("\"" + BLOCKLIST.replace("\n", "").replace("\"", "\\\"") + "\""));
    assertThat(patched).contains("patched");

    release.upgrade(values());

    assertThat(release.get(ConfigMap.class, "ip-sentry-blocklist").getData().get("blocklist.json"))
        .contains("203.0.113.50");
    assertThat(release.has("configmap", "ip-sentry-watcher-script")).isFalse();
    probe("203.0.113.1", "/", 1);
    try (NetworkNamespace node = NetworkNamespace.create("node");
        Relay _ = Relay.start(node, cluster.uri().getPort());
        RunningPod watcher = launch("watcher", "ip-sentry.yaml", UnaryOperator.identity());
        RunningPod server = launch("authz-server", "authz-server.yaml", UnaryOperator.identity());
        RunningPod enforcer = launch("enforcer", "enforcer.yaml", node::command)) {
      try {
        watcher.awaitReady();
        until("it leads", () -> watcher.metric("ip_sentry_leader").orElse(0) == 1);
        until("the original's ban", () -> isBanned(watcher, "203.0.113.50"));
        assertThat(isBanned(watcher, "203.0.113.51")).isFalse();

        server.awaitReady();
        until("refused at the gateway", () -> server.ask("203.0.113.50", "/") == 403);
        // Hits go to the leader: over TLS, by its certificate, with the right to report.
        assertThat(server.ask("203.0.113.60", "/.env")).isEqualTo(200);
        assertThat(server.ask("203.0.113.60", "/.env")).isEqualTo(403);
        until("counted by the leader", () -> isBanned(watcher, "203.0.113.60"));

        until("enforced", () -> isInSet(node, "203.0.113.50"));
        ruleChanges(watcher);
        until("enforced", () -> isInSet(node, "203.0.113.71") && isInSet(node, "203.0.113.72"));
      } catch (RuntimeException | Error e) {
        System.out.println(watcher.log() + server.log() + enforcer.log());
        throw e;
      }
    }
  }

  private void ruleChanges(RunningPod watcher) throws IOException {
    long[] before = generations();
    Secret certificate = release.get(Secret.class, "ip-sentry-admin-tls");
    probe("203.0.113.70", "/not-yet", 5);

    release.upgrade(values(), "watcher: { patterns: ['^/secret'], threshold: 4 }");

    assertThat(generations()).isEqualTo(before);
    assertThat(release.get(Secret.class, "ip-sentry-admin-tls").getData())
        .isEqualTo(certificate.getData());
    watcher.mounted().update(release.config("ip-sentry.yaml"));
    until(
        "taken",
        () -> watcher.metric("ip_sentry_config_reloads_total{result=\"ok\"}").orElse(0) == 1);
    probe("203.0.113.71", "/secret", 4);
    until("banned by the new rule", () -> isBanned(watcher, "203.0.113.71"));
    assertThat(isBanned(watcher, "203.0.113.70")).isFalse();

    release.upgrade(values(), "config: { rules: [{ name: wrong, match: {} }] }");
    watcher.mounted().update(release.config("ip-sentry.yaml"));
    until("refused", () -> watcher.metric("ip_sentry_config_last_reload_ok").orElse(1) == 0);
    probe("203.0.113.72", "/secret", 4);
    until("the one before is in force", () -> isBanned(watcher, "203.0.113.72"));
  }

  private static boolean isInSet(NetworkNamespace node, String address) {
    try {
      return !node.run("ipset", "test", "ip-blocker-4", address).isEmpty();
    } catch (IllegalStateException e) {
      return false;
    }
  }
}
