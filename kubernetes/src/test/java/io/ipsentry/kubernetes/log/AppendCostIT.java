package io.ipsentry.kubernetes.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.TestEvents;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What an append costs does not depend on how many are banned; told by the audit log. */
@RequiresCluster
final class AppendCostIT {
  /** Names, labels, numbers and the chain of an entry. */
  private static final int OVERHEAD_BYTES = 1024;

  private final TestCluster cluster = TestCluster.shared();
  private final String namespace = cluster.newNamespace();
  private long head;

  @Test
  void append_anyNumberOfBans_writesItsBatchAndAKilobyte() {
    List<Integer> written = new ArrayList<>();
    try (KubernetesClient client = ClusterClient.of(cluster, namespace);
        BanLog log =
            KubernetesBanLog.open(
                new ClusterConfigMaps(client),
                "guard",
                "test",
                KubernetesBanLog.Limits.DEFAULT,
                InstantSource.system())) {
      for (int bans : List.of(10, 10_000, 100_000)) {
        fill(log, bans);
        BanEvent.Ban one = (BanEvent.Ban) TestEvents.ban("192.0.2.1", "only-" + bans);
        int batch =
            BanEventJson.toLine(new SequencedEvent(head + 1, one))
                .getBytes(StandardCharsets.UTF_8)
                .length;
        append(log, List.of(one));

        int bytes = writtenWith("only-" + bans);
        System.out.printf(
            "append beside %,d bans: %d bytes written, %d of them the event%n", bans, bytes, batch);
        assertThat(bytes).isLessThanOrEqualTo(batch + OVERHEAD_BYTES);
        written.add(bytes - batch);
      }
    }
    assertThat(written.getLast() - written.getFirst()).isBetween(0, 64);
  }

  private void fill(BanLog log, int bans) {
    while (head < bans) {
      int count = (int) Math.min(BanLog.MAX_BATCH_EVENTS, bans - head);
      long from = head;
      append(
          log,
          IntStream.range(0, count)
              .mapToObj(i ->
                  TestEvents.ban(
                      "10."
                          + ((from + i) >> 16)
                          + '.'
                          + ((from + i) >> 8 & 255)
                          + '.'
                          + ((from + i) & 255),
                      "filling"))
              .toList());
    }
  }

  private void append(BanLog log, List<BanEvent> events) {
    AppendResult result = log.append(head, events);
    head += events.size();
    assertThat(result).isEqualTo(new AppendResult.Appended(head));
  }

  /** Bytes of the objects in all writes of this namespace that mention a reason. */
  private int writtenWith(String reason) {
    String quoted = "\\\"reason\\\":\\\"" + reason + "\\\"";
    List<String> lines =
        await()
            .until(
                () -> auditLines().stream().filter(line -> line.contains(quoted)).toList(),
                found -> !found.isEmpty());
    assertThat(lines).hasSize(1);
    Map<?, ?> event = Serialization.unmarshal(lines.getFirst(), Map.class);
    assertThat(event.get("verb")).isEqualTo("create");
    return Serialization.asJson(event.get("requestObject")).getBytes(StandardCharsets.UTF_8).length;
  }

  private List<String> auditLines() {
    try {
      return Files.readAllLines(cluster.auditLog()).stream()
          .filter(line -> line.contains("/namespaces/" + namespace + "/configmaps"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the audit log", e);
    }
  }
}
