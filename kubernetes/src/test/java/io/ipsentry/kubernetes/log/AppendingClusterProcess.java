package io.ipsentry.kubernetes.log;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.TestEvents;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;

/**
 * A process of its own that appends to the log of a cluster, compacts it now and then, and writes
 * {@code ack SEQ REASON} to its standard output for each event of an append that has returned.
 * Tests kill it.
 */
final class AppendingClusterProcess {
  /** Written before the number and the reason. */
  static final String ACKNOWLEDGED = "ack ";

  private static final int COMPACT_EVERY = 12;

  private AppendingClusterProcess() {}

  /** Arguments: kubeconfig, namespace, name. Runs until it is killed. */
  public static void main(String[] args) throws IOException {
    KubernetesBanLog.Limits limits =
        new KubernetesBanLog.Limits(
            Duration.ofSeconds(1),
            KubernetesBanLog.Limits.DEFAULT.historyAge(),
            KubernetesBanLog.Limits.DEFAULT.historyBytes());
    try (KubernetesClient client = ClusterClient.of(Path.of(args[0]), args[1]);
        KubernetesBanLog log =
            KubernetesBanLog.open(
                new ClusterConfigMaps(client), "guard", args[2], limits, InstantSource.system());
        FileOutputStream out = new FileOutputStream(FileDescriptor.out)) {
      BanWriter writer = BanWriter.start(log, InstantSource.system(), event -> {});
      for (int batch = 0; ; batch++) {
        String name = args[2] + '-' + batch;
        int count = 1 + batch % 3;
        if (writer.write((state, now) -> TestEvents.bans(name, count))
            instanceof BanWriter.Outcome.Written written) {
          out.write(acknowledged(written.events()).getBytes(StandardCharsets.US_ASCII));
        }
        if (batch % COMPACT_EVERY == COMPACT_EVERY - 1) {
          boolean stored = log.compact(writer.snapshot());
          int swept = log.sweep();
          out.write(
              ("compacted " + stored + ' ' + swept + '\n').getBytes(StandardCharsets.US_ASCII));
        }
      }
    }
  }

  private static String acknowledged(List<SequencedEvent> events) {
    StringBuilder lines = new StringBuilder();
    for (SequencedEvent event : events) {
      lines
          .append(ACKNOWLEDGED)
          .append(event.seq())
          .append(' ')
          .append(TestEvents.reason(event.event()))
          .append('\n');
    }
    return lines.toString();
  }
}
