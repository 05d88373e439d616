package io.ipsentry.kubernetes.follow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.kubernetes.api.ReadingConnection;
import io.ipsentry.kubernetes.follow.LeaderAddress.Holder;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The Lease of a release in a real API server, and one who looks at it. */
@RequiresCluster
final class LeaderAddressIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static String lease(String holder) {
    return """
    apiVersion: coordination.k8s.io/v1
    kind: Lease
    metadata: { name: guard-watcher, annotations: { ip-sentry.io/address: "192.0.2.7:9004" } }
    spec: { holderIdentity: "%s", leaseDurationSeconds: 15 }
    """
        .formatted(holder);
  }

  private static InputStream in(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void holder_leaseMadeChangedAndGivenBack_isFollowed() {
    TestCluster cluster = TestCluster.shared();
    String namespace = cluster.newNamespace();
    ClusterStoreConfig config =
        new ClusterStoreConfig(
            "guard",
            Optional.of(namespace),
            Optional.of(cluster.kubeconfig()),
            Optional.empty(),
            ClusterStoreConfig.LeaderConfig.DEFAULT);
    try (ReadingConnection connection = ReadingConnection.open(config);
        LeaderAddress leader =
            new LeaderAddress(connection.requests(), "guard", new Random(1)).start()) {
      for (String holder : new String[] {"one", "two", ""}) {
        String ignored = cluster.kubectl().feed(lease(holder), "apply", "-n", namespace, "-f", "-");
        leader.lookSoon();
        Optional<Holder> expected =
            holder.isEmpty()
                ? Optional.empty()
                : Optional.of(new Holder(holder, Optional.of("192.0.2.7:9004")));
        await().atMost(PATIENCE).until(() -> leader.holder().equals(expected));
        assertThat(leader.problem()).isEmpty();
      }
    }
  }

  @Test
  void read_whatPeopleMadeOfALease_isTakenAsFarAsItGoes() throws IOException {
    assertThat(LeaderAddress.read(in("{}"))).isEqualTo(new Holder("", Optional.empty()));
    assertThat(
            LeaderAddress.read(
                in(
                    "{\"metadata\":{\"annotations\":null,\"managedFields\":[{\"a\":{}}]},"
                        + "\"spec\":{\"holderIdentity\":\"w_1\"}}")))
        .isEqualTo(new Holder("w_1", Optional.empty()));
    assertThatThrownBy(() -> LeaderAddress.read(in("{\"spec\":{\"holderIdentity\":\"w\"")))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> LeaderAddress.read(in("[]"))).isInstanceOf(IOException.class);
  }
}
