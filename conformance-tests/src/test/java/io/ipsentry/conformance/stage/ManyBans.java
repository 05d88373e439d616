package io.ipsentry.conformance.stage;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.stage.Stage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Bans that are active before anything happens, of addresses that nobody has: written to the log
 * beside the watcher that leads, in batches, each for six hours. Two of three are of IPv4.
 */
final class ManyBans {
  private static final Duration LONGER_THAN_ANY_TEST = Duration.ofHours(6);
  private static final int BATCH = 2_000;
  private static final int MAX_CONFLICTS = 100;
  private static final int MAX_BANS = 120_000;

  private ManyBans() {}

  /** Writes them, and returns what is banned. */
  static List<String> write(Stage stage, int count) {
    if (count > MAX_BANS) {
      throw new IllegalArgumentException("there are addresses for " + MAX_BANS + " only");
    }
    Config config = Config.fromKubeconfig(stage.cluster().kubeconfig().toFile());
    config.setNamespace("ip-sentry");
    List<String> banned = new ArrayList<>();
    try (KubernetesClient client = ClusterClients.of(config);
        KubernetesBanLog log =
            KubernetesBanLog.open(
                new ClusterConfigMaps(client),
                "ip-sentry",
                "many-bans",
                KubernetesBanLog.Limits.DEFAULT,
                stage.clock())) {
      List<BanEvent> batch = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        String prefix = prefix(i);
        banned.add(prefix);
        batch.add(ban(prefix, stage.clock().instant()));
        if (batch.size() == BATCH || i == count - 1) {
          append(log, batch);
          batch.clear();
        }
      }
    }
    return banned;
  }

  /** The leader may write between two looks at the head. */
  private static void append(KubernetesBanLog log, List<BanEvent> batch) {
    for (int i = 0; i < MAX_CONFLICTS; i++) {
      if (log.append(log.head(), batch) instanceof AppendResult.Appended) {
        return;
      }
    }
    throw new IllegalStateException("no append of " + MAX_CONFLICTS + " was taken");
  }

  private static BanEvent.Ban ban(String prefix, Instant now) {
    return new BanEvent.Ban(
        now,
        IpPrefix.parse(prefix),
        now.plus(LONGER_THAN_ANY_TEST),
        "before",
        "many",
        0,
        SeenAs.MANUAL,
        "many-bans",
        1,
        null,
        null);
  }

  private static String prefix(int i) {
    int n = i / 3;
    return switch (i % 3) {
      case 0 -> "198.19.%d.%d".formatted(n >> 8, n & 0xff);
      case 1 -> "198.18.%d.%d".formatted(0x60 + (n >> 8), n & 0xff);
      default -> IpPrefix.parse("2001:db8:e%03x:%x::/64".formatted(n >> 8, n & 0xff)).toString();
    };
  }
}
