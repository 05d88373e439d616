package io.ipsentry.conformance.stage;

import io.ipsentry.stage.Bystanders;
import io.ipsentry.stage.Stage;
import io.ipsentry.stage.StageOptions;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole cluster under attack for a while; {@code -Dstage.soak=PT1H} for longer. */
@RequiresRoot
@RequiresCluster
@RequiresProgram({"nginx", "ip", "ipset", "iptables-legacy", "ip6tables-legacy", "mkfifo"})
final class StageSoakIT {
  private static final Duration LENGTH = Duration.parse(System.getProperty("stage.soak", "PT10M"));
  private static final Duration ROTATION = Duration.ofSeconds(20);

  @TempDir private Path directory;

  @Test
  void soak_underAttack_memoryIsFlatAndNothingWaits() {
    try (Stage stage = Stage.build(StageOptions.defaults(directory));
        Bystanders bystanders = Bystanders.start(stage, Duration.ofMillis(200));
        Rotation _ = Rotation.start(stage, ROTATION);
        Assault assault = new Assault(stage, new Attackers())) {
      new SoakScenario(stage, bystanders, assault).run(LENGTH);
    }
  }
}
