package io.ipsentry.conformance.stage;

import io.ipsentry.stage.Bystanders;
import io.ipsentry.stage.Stage;
import io.ipsentry.stage.StageOptions;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Faults in a whole cluster that is under attack. With {@code -Dstage.bans=100000} so many bans are
 * active before, and {@code -Dstage.fault=PT60S} is how long the API server is away, or a node.
 */
@RequiresRoot
@RequiresCluster
@RequiresProgram({"nginx", "ip", "ipset", "iptables-legacy", "ip6tables-legacy", "mkfifo"})
final class StageFaultsIT {
  private static final int BANS = Integer.getInteger("stage.bans", 5_000);
  private static final Duration FAULT = Duration.parse(System.getProperty("stage.fault", "PT15S"));
  private static final Duration ROTATION = Duration.ofSeconds(2);

  @TempDir private Path directory;

  @Test
  void faults_underAttack_logIsReplayAndKernelIsDecided() {
    try (Stage stage = Stage.build(StageOptions.defaults(directory))) {
      long begun = System.nanoTime();
      List<String> before = ManyBans.write(stage, BANS);
      System.out.printf(
          "stage: %d bans written in %d ms%n", BANS, (System.nanoTime() - begun) / 1_000_000);
      try (Bystanders bystanders = Bystanders.start(stage, Duration.ofMillis(300));
          Rotation _ = Rotation.start(stage, ROTATION);
          Assault assault = new Assault(stage, new Attackers())) {
        new FaultsScenario(stage, bystanders, assault, FAULT, before).run();
      }
    }
  }
}
