package io.ipsentry.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.ServerProcess;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The cluster that other tests stand on does what they take for granted. */
@RequiresCluster
final class TestClusterIT {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private static Path directory;

  private static TestCluster cluster;

  @BeforeAll
  static void start() {
    long began = System.nanoTime();
    cluster = TestCluster.start(directory);
    System.out.printf(
        "cluster: ready after %d ms; resident: kube-apiserver %d MiB, etcd %d MiB%n",
        (System.nanoTime() - began) / 1_000_000,
        cluster.apiServer().residentBytes() >> 20,
        cluster.etcd().residentBytes() >> 20);
  }

  @AfterAll
  static void end() {
    cluster.close();
  }

  @Test
  void kubectlVersion_ofClientAndServer_isTheSame() {
    String versions = cluster.kubectl().run("version");

    assertThat(versions)
        .containsPattern("Client Version: v1\\.\\d+\\.\\d+\n")
        .containsPattern("Server Version: v1\\.\\d+\\.\\d+\n");
    assertThat(versions.replaceAll("(?s).*Client Version: (\\S+).*", "$1"))
        .isEqualTo(versions.replaceAll("(?s).*Server Version: (\\S+).*", "$1"));
  }

  @Test
  void shared_askedTwice_isOneCluster() {
    TestCluster shared = TestCluster.shared();

    assertThat(TestCluster.shared()).isSameAs(shared);
    assertThat(shared.kubectl().run("get", "--raw", "/readyz")).isEqualTo("ok");
  }

  @Test
  void configMap_createdPatchedAndEditedByOthers_isWatchedInOrder() {
    String namespace = cluster.newNamespace();
    Kubectl kubectl = cluster.kubectl().with("--namespace=" + namespace);
    Queue<String> seen = new ConcurrentLinkedQueue<>();
    try (KubernetesClient client = ClusterClient.of(cluster, namespace);
        Watch watch = client.configMaps().withName("list").watch(noting(seen))) {
      assertThat(watch).isNotNull();
      ConfigMap created = client.resource(configMap("list", "one")).create();
      assertThat(created.getMetadata().getResourceVersion()).isNotEmpty();

      String ignored =
          kubectl.run("patch", "configmap", "list", "--patch", "{\"data\":{\"value\":\"two\"}}");
      assertThat(client.configMaps().withName("list").get().getData())
          .containsEntry("value", "two");
      ignored =
          kubectl
              .withEnvironment("KUBE_EDITOR", "sed -i s/two/three/")
              .run("edit", "configmap", "list");
      ignored = kubectl.run("delete", "configmap", "list");

      await()
          .atMost(PATIENCE)
          .untilAsserted(() ->
              assertThat(seen)
                  .containsExactly("ADDED one", "MODIFIED two", "MODIFIED three", "DELETED three"));
    }
  }

  @Test
  void create_ofAnExistingName_isRefusedAsAConflict() {
    try (KubernetesClient client = ClusterClient.of(cluster, cluster.newNamespace())) {
      ConfigMap first = client.resource(configMap("index", "mine")).create();

      assertThatThrownBy(() -> client.resource(configMap("index", "theirs")).create())
          .isInstanceOfSatisfying(
              KubernetesClientException.class,
              e -> {
                assertThat(e.getCode()).isEqualTo(409);
                assertThat(e.getStatus().getReason()).isEqualTo("AlreadyExists");
              });
      assertThat(client.configMaps().withName("index").get().getData()).isEqualTo(first.getData());
    }
  }

  @Test
  void serviceAccountWithoutARole_readsConfigMaps_isForbidden() {
    String namespace = cluster.newNamespace();
    Kubectl kubectl = cluster.kubectl().with("--namespace=" + namespace);
    String ignored = kubectl.run("create", "serviceaccount", "reader");
    String token = kubectl.run("create", "token", "reader").strip();

    Kubectl.Outcome forbidden =
        kubectl.with("--token=" + token, "--user=").attempt("get", "configmaps");

    assertThat(forbidden.exitCode()).isEqualTo(1);
    assertThat(forbidden.err())
        .contains("Forbidden", "system:serviceaccount:" + namespace + ":reader");
  }

  @Test
  void auditLog_ofAWrite_hasItsBody() {
    String namespace = cluster.newNamespace();
    try (KubernetesClient client = ClusterClient.of(cluster, namespace)) {
      ConfigMap ignored = client.resource(configMap("audited", "a-body")).create();
    }

    // Written when the request is over, which the client may notice first.
    await()
        .atMost(PATIENCE)
        .untilAsserted(() ->
            assertThat(Files.readAllLines(cluster.auditLog()))
                .filteredOn(line -> line.contains("/namespaces/" + namespace + "/configmaps"))
                .singleElement()
                .asString()
                .contains("\"verb\":\"create\"", "\"code\":201", "a-body"));
  }

  /**
   * A watch alone would end here: the restarted server remembers no earlier versions and answers
   * 410, as the mock of fabric8 never does.
   */
  @Test
  void apiServer_stoppedAndStarted_hasItsDataAndInformersGoOn() {
    String namespace = cluster.newNamespace();
    Queue<String> seen = new ConcurrentLinkedQueue<>();
    try (KubernetesClient client = ClusterClient.of(cluster, namespace);
        SharedIndexInformer<ConfigMap> informer = client.configMaps().inform(notingAdded(seen))) {
      assertThat(informer.hasSynced()).isTrue();
      outlives(namespace, () -> restart(cluster.apiServer(), false));
      ConfigMap ignored = client.resource(configMap("later", "after")).create();

      await()
          .atMost(PATIENCE)
          .untilAsserted(() -> assertThat(seen).containsExactly("value", "after"));
    }
  }

  @Test
  void bothServers_killed_haveTheirData() {
    String namespace = cluster.newNamespace();
    outlives(
        namespace,
        () -> {
          restart(cluster.etcd(), true);
          restart(cluster.apiServer(), true);
        });
  }

  @Test
  void etcd_frozen_nothingIsReadUntilItGoesOn() {
    Kubectl hasty = cluster.kubectl().with("--request-timeout=1s");
    cluster.etcd().freeze();
    try {
      assertThat(hasty.attempt("get", "configmaps").exitCode()).isEqualTo(1);
    } finally {
      cluster.etcd().thaw();
    }
    cluster.apiServer().awaitReady();

    assertThat(cluster.kubectl().attempt("get", "configmaps").exitCode()).isZero();
  }

  private static void outlives(String namespace, Runnable trouble) {
    try (KubernetesClient client = ClusterClient.of(cluster, namespace)) {
      ConfigMap before = client.resource(configMap("kept", "value")).create();

      trouble.run();

      assertThat(client.configMaps().withName("kept").get()).isEqualTo(before);
    }
  }

  private static void restart(ServerProcess server, boolean killed) {
    long before = server.pid();
    long began = System.nanoTime();
    if (killed) {
      server.kill();
    } else {
      server.stop();
    }
    long ended = System.nanoTime();
    assertThat(server.isRunning()).isFalse();
    server.start();
    System.out.printf(
        "cluster: process %d ended in %d ms, ready again after %d ms%n",
        before, (ended - began) / 1_000_000, (System.nanoTime() - ended) / 1_000_000);
    assertThat(server.pid()).isNotEqualTo(before);
  }

  private static ConfigMap configMap(String name, String value) {
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withName(name)
        .endMetadata()
        .addToData("value", value)
        .build();
  }

  private static Watcher<ConfigMap> noting(Queue<String> seen) {
    return new Watcher<>() {
      @Override
      public void eventReceived(Action action, ConfigMap map) {
        seen.add(action + " " + map.getData().get("value"));
      }

      @Override
      public void onClose(WatcherException cause) {
        seen.add("closed by " + cause);
      }
    };
  }

  private static ResourceEventHandler<ConfigMap> notingAdded(Queue<String> seen) {
    return new ResourceEventHandler<>() {
      @Override
      public void onAdd(ConfigMap map) {
        seen.add(map.getData().get("value"));
      }

      @Override
      public void onUpdate(ConfigMap before, ConfigMap after) {}

      @Override
      public void onDelete(ConfigMap map, boolean finalStateUnknown) {}
    };
  }
}
