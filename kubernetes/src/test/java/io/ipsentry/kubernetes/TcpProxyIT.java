package io.ipsentry.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TcpProxy;
import io.ipsentry.testing.cluster.TestCluster;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The broken networks that other tests rely on, between a real client and the real API server. */
@RequiresCluster
final class TcpProxyIT {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int LARGE = 500_000;

  private final TestCluster cluster = TestCluster.shared();
  private TcpProxy proxy;
  private KubernetesClient client;
  private KubernetesClient direct;

  @BeforeEach
  void connect() {
    String namespace = cluster.newNamespace();
    proxy = cluster.proxy();
    Config config = Config.fromKubeconfig(cluster.kubeconfig(proxy).toFile());
    config.setNamespace(namespace);
    // What the network did is to be seen, not what the client made of it.
    config.setRequestRetryBackoffLimit(0);
    client = new KubernetesClientBuilder().withConfig(config).build();
    direct = ClusterClient.of(cluster, namespace);
  }

  @AfterEach
  void disconnect() {
    client.close();
    direct.close();
    proxy.close();
  }

  @Test
  void well_passesEverything() {
    ConfigMap created = client.resource(configMap("a", "x".repeat(LARGE))).create();

    assertThat(client.configMaps().withName("a").get()).isEqualTo(created);
    assertThat(proxy.accepted()).isPositive();
  }

  @Test
  void cutAfter_inTheMiddleOfAResponse_failsTheCallAndTheNextOnePasses() {
    ConfigMap created = direct.resource(configMap("a", "x".repeat(LARGE))).create();

    proxy.cutAfter(LARGE / 2);
    assertThatThrownBy(() -> client.configMaps().withName("a").get())
        .isInstanceOf(KubernetesClientException.class);
    proxy.restore();

    assertThat(client.configMaps().withName("a").get()).isEqualTo(created);
  }

  @Test
  void loseReplies_toAWrite_failsTheCallThoughItHasLanded() {
    assertThat(client.configMaps().list().getItems()).isEmpty();

    proxy.loseReplies();
    assertThatThrownBy(() -> client.resource(configMap("a", "landed")).create())
        .isInstanceOf(KubernetesClientException.class);

    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(direct.configMaps().withName("a").get()).isNotNull());
  }

  @Test
  void loseReplies_toAClientThatTriesAgainByItself_looksLikeTheWriteOfAnother() {
    client.getConfiguration().setRequestRetryBackoffLimit(3);
    assertThat(client.configMaps().list().getItems()).isEmpty();

    proxy.loseReplies();
    CompletableFuture<ConfigMap> create =
        CompletableFuture.supplyAsync(() -> client.resource(configMap("a", "mine")).create());
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(direct.configMaps().withName("a").get()).isNotNull());
    proxy.restore();

    assertThatThrownBy(create::join)
        .cause()
        .isInstanceOfSatisfying(
            KubernetesClientException.class,
            e -> assertThat(e.getStatus().getReason()).isEqualTo("AlreadyExists"));
  }

  @Test
  void stall_untilRestored_delaysTheWrite() {
    assertThat(client.configMaps().list().getItems()).isEmpty();

    proxy.stall();
    CompletableFuture<ConfigMap> create =
        CompletableFuture.supplyAsync(() -> client.resource(configMap("a", "late")).create());
    assertThat(direct.configMaps().withName("a").get()).isNull();
    assertThat(create).isNotDone();
    proxy.restore();

    assertThat(create).succeedsWithin(PATIENCE);
    assertThat(direct.configMaps().withName("a").get()).isNotNull();
  }

  @Test
  void cut_ofAnInformer_isOvercome() {
    try (var informer = client.configMaps().inform()) {
      for (int round = 0; round < 3; round++) {
        String name = "round-" + round;
        int before = proxy.accepted();
        proxy.cut();
        ConfigMap ignored = direct.resource(configMap(name, "x")).create();

        await()
            .atMost(PATIENCE)
            .untilAsserted(() ->
                assertThat(informer.getStore().list())
                    .anyMatch(map -> map.getMetadata().getName().equals(name)));
        assertThat(proxy.accepted()).isGreaterThan(before);
      }
    }
  }

  private static ConfigMap configMap(String name, String value) {
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withName(name)
        .endMetadata()
        .addToData("value", value)
        .build();
  }
}
