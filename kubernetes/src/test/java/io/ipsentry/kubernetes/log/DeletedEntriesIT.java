package io.ipsentry.kubernetes.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.TestEvents;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** People who delete what no snapshot has, on a real API server, while processes run. */
@RequiresCluster
final class DeletedEntriesIT {
  private final TestCluster cluster = TestCluster.shared();
  private final KubernetesClient client = ClusterClient.of(cluster, cluster.newNamespace());
  private final KubernetesBanLog one = open("one");
  private final KubernetesBanLog other = open("other");
  private long head;

  private KubernetesBanLog open(String name) {
    return KubernetesBanLog.open(
        new ClusterConfigMaps(client),
        "guard",
        name,
        KubernetesBanLog.Limits.DEFAULT,
        InstantSource.system());
  }

  @BeforeEach
  void fill() {
    for (int i = 0; i < 5; i++) {
      append(one, "before-" + i);
    }
    await().until(() -> other.read(5, 1).size() == 1);
  }

  @AfterEach
  void close() {
    one.close();
    other.close();
    client.close();
  }

  private void append(KubernetesBanLog log, String reason) {
    assertThat(log.append(head, TestEvents.bans(reason, 1)))
        .isEqualTo(new AppendResult.Appended(head + 1));
    head++;
  }

  private Set<String> names() {
    return client.configMaps().withLabel(LogNames.LOG_LABEL, "guard").list().getItems().stream()
        .map(map -> map.getMetadata().getName())
        .collect(Collectors.toSet());
  }

  private void delete(ConfigMap map) {
    assertThat(client.resource(map).delete()).isNotEmpty();
  }

  private void delete(String name) {
    delete(client.configMaps().withName(name).require());
  }

  /** What a process reads that did not see what happened. */
  private List<SequencedEvent> readAnew() {
    try (KubernetesBanLog fresh = open("fresh")) {
      return fresh.read(1, Integer.MAX_VALUE);
    }
  }

  @Test
  void deletedEntries_lastOrBefore_arePutBack() {
    List<SequencedEvent> events = one.read(1, Integer.MAX_VALUE);
    Set<String> whole = names();
    for (String name : List.of("guard-log-0000000005", "guard-log-0000000002", "guard-manifest")) {
      delete(name);
      await().untilAsserted(() -> assertThat(names()).isEqualTo(whole));
      assertThat(readAnew()).isEqualTo(events);
    }
    append(other, "behind");
    append(one, "behind-that");
    assertThat(readAnew()).hasSize(7).startsWith(events.toArray(SequencedEvent[]::new));
  }

  @Test
  void deletedEntry_takenByAnother_getsItsPlaceBack() {
    List<SequencedEvent> events = one.read(1, Integer.MAX_VALUE);
    ConfigMap last = client.configMaps().withName("guard-log-0000000005").require();
    ConfigMap taker =
        last.edit()
            .withMetadata(null)
            .withNewMetadata()
            .withName(last.getMetadata().getName())
            .withLabels(last.getMetadata().getLabels())
            .endMetadata()
            .addToData("batch", "taker")
            .build();
    await().until(() -> takesPlace(taker));
    await()
        .untilAsserted(() ->
            assertThat(client.configMaps().withName("guard-log-0000000005").require().getData())
                .containsAllEntriesOf(last.getData()));
    assertThat(readAnew()).isEqualTo(events);
    append(other, "behind");
    assertThat(readAnew()).hasSize(6);
  }

  /** Whether it is quicker than those who put back what was there. */
  private boolean takesPlace(ConfigMap taker) {
    delete(taker.getMetadata().getName());
    try {
      return client.resource(taker).create() != null;
    } catch (KubernetesClientException e) {
      assertThat(e.getCode()).isEqualTo(409);
      return false;
    }
  }

  @Test
  void everythingDeleted_whileProcessesRun_isPutBack() {
    List<SequencedEvent> events = one.read(1, Integer.MAX_VALUE);
    Set<String> whole = names();
    assertThat(client.configMaps().withLabel(LogNames.LOG_LABEL, "guard").delete()).isNotEmpty();
    await().untilAsserted(() -> assertThat(names()).isEqualTo(whole));
    assertThat(readAnew()).isEqualTo(events);
  }
}
