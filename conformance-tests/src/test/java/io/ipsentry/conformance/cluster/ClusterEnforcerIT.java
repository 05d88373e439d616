package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningEnforcer;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code enforcer} as a process in a network namespace with a real kernel, that follows the log in
 * a real API server.
 */
@RequiresRoot
@RequiresCluster
@RequiresProgram({"ip", "ipset", "iptables-legacy"})
final class ClusterEnforcerIT {
  private static final String SET = "ip-blocker-4";

  @TempDir private Path directory;

  private static ConditionFactory soon(String what) {
    return await(what).atMost(RunningIpSentry.PATIENCE).pollDelay(Duration.ZERO);
  }

  private static boolean isInSet(NetworkNamespace node, String address) {
    try {
      return !node.run("ipset", "test", SET, address).isEmpty();
    } catch (IllegalStateException e) {
      return false;
    }
  }

  @Test
  void enforcer_apiServerKilledAndBack_enforcesAllTheWhileAndConverges() throws Exception {
    try (NetworkNamespace node = NetworkNamespace.create("node");
        TestCluster cluster = TestCluster.start(directory);
        Relay _ = Relay.start(node, cluster.uri().getPort());
        ClusterLog log = new ClusterLog(cluster)) {
      log.ban("203.0.113.7");
      // A feed is without what is protected, and holds it up for nobody.
      log.feed("drop-list", "198.51.100.0/24", "127.0.0.0/8");
      try (RunningEnforcer enforcer =
          RunningEnforcer.launch(
              node,
              Files.createDirectory(directory.resolve("enforcer")),
              List.of(),
              log.config() + "enforcer: { backend: ipset, interval: 1s }\n")) {
        soon("enforced").until(() -> isInSet(node, "203.0.113.7"));
        soon("the feed").until(() -> isInSet(node, "198.51.100.9"));
        assertThat(isInSet(node, "127.0.0.1")).isFalse();
        log.ban("203.0.113.8");
        soon("the next ban").until(() -> isInSet(node, "203.0.113.8"));

        cluster.apiServer().kill();
        node.run("ipset", "flush", SET);

        soon("repaired without the API server")
            .until(() -> isInSet(node, "203.0.113.8") && isInSet(node, "198.51.100.9"));

        cluster.apiServer().start();
        log.ban("203.0.113.9");
        log.unban("203.0.113.7");

        soon("the ban after it came back").until(() -> isInSet(node, "203.0.113.9"));
        soon("the unban").until(() -> !isInSet(node, "203.0.113.7"));
        log.feed("drop-list", "192.0.2.0/28");
        soon("the feed's new content")
            .until(() -> isInSet(node, "192.0.2.9") && !isInSet(node, "198.51.100.9"));
        assertThat(isInSet(node, "203.0.113.8")).isTrue();
        assertThat(enforcer.stop()).isZero();
      } catch (RuntimeException | Error e) {
        System.out.println(Files.readString(directory.resolve("enforcer/enforcer.log")));
        throw e;
      }
    }
  }
}
