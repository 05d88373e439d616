package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code authz-server} as a process that follows the log in a real API server, which goes away. */
@RequiresCluster
final class ClusterFollowersIT {
  private static final String RULES =
      """
      rules:
        - name: probing
          on: request
          match: { paths: ['^/\\.env'] }
          threshold: 3
          window: 10m
          ban: 24h
      """;

  @TempDir private Path directory;

  private static ConditionFactory soon(String what) {
    return await(what).atMost(RunningIpSentry.PATIENCE).pollDelay(Duration.ZERO);
  }

  private static double age(RunningAuthzServer server) {
    return server.metric("ip_sentry_state_age_seconds").orElse(-1);
  }

  @Test
  void authzServer_apiServerKilledAndBack_deniesAllTheWhileAndConverges() throws Exception {
    try (TestCluster cluster = TestCluster.start(directory);
        ClusterLog log = new ClusterLog(cluster)) {
      log.ban("203.0.113.7");
      log.feed("drop-list", "198.51.100.0/24", "2001:db8:bad::/48");
      try (RunningAuthzServer server =
          RunningAuthzServer.start(
              Files.createDirectory(directory.resolve("server")),
              List.of(),
              RULES + log.config())) {
        assertThat(server.ask("203.0.113.7", "/")).isEqualTo(403);
        assertThat(server.ask("198.51.100.9", "/")).isEqualTo(403);
        assertThat(server.ask("2001:db8:bad::1", "/")).isEqualTo(403);
        assertThat(server.ask("203.0.113.8", "/")).isEqualTo(200);
        assertThat(server.metrics())
            .contains("ip_sentry_feed_prefixes{feed=\"drop-list\"} 2", "ip_sentry_feeds_failing 0");
        log.ban("203.0.113.8");
        soon("the next ban").until(() -> server.ask("203.0.113.8", "/") == 403);

        cluster.apiServer().kill();

        soon("not connected")
            .until(() -> server.metric("ip_sentry_owner_connected").orElse(1) == 0);
        double age = age(server);
        soon("the age grows").until(() -> age(server) > age + 1);
        assertThat(server.status("/readyz")).isEqualTo(200);
        assertThat(server.ask("203.0.113.7", "/")).isEqualTo(403);
        assertThat(server.ask("203.0.113.8", "/")).isEqualTo(403);
        assertThat(server.ask("198.51.100.9", "/")).isEqualTo(403);
        // Nobody leads, so these hits wait; the ban that they make holds here.
        assertThat(server.ask("203.0.113.9", "/.env")).isEqualTo(200);
        assertThat(server.ask("203.0.113.9", "/.env")).isEqualTo(200);
        assertThat(server.ask("203.0.113.9", "/.env")).isEqualTo(403);

        cluster.apiServer().start();
        log.ban("203.0.113.10");
        log.unban("203.0.113.7");

        soon("the ban after it came back").until(() -> server.ask("203.0.113.10", "/") == 403);
        soon("the unban").until(() -> server.ask("203.0.113.7", "/") == 200);
        soon("connected").until(() -> server.metric("ip_sentry_owner_connected").orElse(0) == 1);
        assertThat(age(server)).isLessThan(60);
        log.feed("drop-list", "192.0.2.0/28");
        soon("the feed's new content").until(() -> server.ask("192.0.2.9", "/") == 403);
        assertThat(server.ask("198.51.100.9", "/")).isEqualTo(200);
        assertThat(server.stop()).isZero();
      }
    }
  }
}
