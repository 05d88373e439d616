package io.ipsentry.conformance.stage;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.stage.Bystanders;
import io.ipsentry.stage.Stage;
import io.ipsentry.stage.StageOptions;
import io.ipsentry.stage.StageProcess;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Attacks on a whole cluster. Numbers are printed and written to {@code target/stage/}; more of
 * them by {@code -Dstage.rounds=20}. All the while ordinary clients, a monitor and a crawler go
 * about their business, and after each scenario exactly those are banned who attacked.
 */
@RequiresRoot
@RequiresCluster
@RequiresProgram({"nginx", "ip", "ipset", "iptables-legacy", "ip6tables-legacy", "mkfifo"})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class StageAttacksIT {
  private static final int ROUNDS = Integer.getInteger("stage.rounds", 3);

  private final Attackers attackers = new Attackers();
  private Stage stage;
  private Bystanders bystanders;

  @BeforeAll
  void build(@TempDir Path directory) {
    long begun = System.nanoTime();
    stage =
        Stage.build(
            StageOptions.defaults(directory)
                .withRules(
                    StageOptions.RULES.replaceFirst(
                        "threshold: 5\n +window: 10m",
                        "threshold: %d\n    window: %ds"
                            .formatted(
                                GuessingScenario.THRESHOLD, GuessingScenario.WINDOW.toSeconds()))));
    System.out.printf("stage: built in %d s%n", (System.nanoTime() - begun) / 1_000_000_000);
    bystanders = Bystanders.start(stage, Duration.ofMillis(200));
  }

  @AfterAll
  void end() {
    if (bystanders != null) {
      bystanders.close();
    }
    if (stage != null) {
      stage.close();
    }
  }

  @Test
  void probing_atAnyRate_endsInTheKernelOfEachNode() throws Exception {
    new ProbingScenario(stage, attackers, ROUNDS).run();
  }

  @Test
  void guessing_walkingAndForging_bansWhoDidItAndNobodyElse() throws Exception {
    new GuessingScenario(stage, attackers).run();
  }

  /** Nobody but attackers is banned, each once; nobody else was refused or left without answer. */
  @AfterEach
  void judge() {
    List<String> banned = new ArrayList<>();
    for (SequencedEvent event : stage.log()) {
      assertThat(event.event()).isInstanceOf(BanEvent.Ban.class);
      BanEvent.Ban ban = (BanEvent.Ban) event.event();
      // For no less than it takes.
      assertThat(ban.hits()).as("%s", ban).isEqualTo(ban.rule().equals("logins") ? 5 : 3);
      banned.add(ban.ip().toString());
    }
    assertThat(banned).doesNotHaveDuplicates();
    assertThat(new TreeSet<>(banned)).isEqualTo(attackers.banned());
    stage
        .nodes()
        .forEach(node -> {
          assertThat(attackers.banned()).as(node.name()).containsAll(node.kernel());
          assertThat(attackers.banned()).as(node.name()).containsAll(node.kernel6());
        });
    assertThat(bystanders.answered()).isPositive();
    assertThat(bystanders.wronged()).isEmpty();
    List<StageProcess> all = new ArrayList<>(stage.watchers());
    all.addAll(stage.authzServers());
    all.addAll(stage.enforcers());
    assertThat(all).allMatch(StageProcess::isRunning);
  }
}
