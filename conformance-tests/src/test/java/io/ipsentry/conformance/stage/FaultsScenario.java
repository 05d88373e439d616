package io.ipsentry.conformance.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.stage.Offender.Way;
import io.ipsentry.stage.Addresses;
import io.ipsentry.stage.Bystanders;
import io.ipsentry.stage.Stage;
import io.ipsentry.stage.StageNode;
import io.ipsentry.stage.StageOptions;
import io.ipsentry.stage.StageProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Fault after fault in a cluster that is under attack, with logs that are rotated every two seconds
 * and with bans that were active before. New attackers begin before each fault, while it lasts and
 * after it; all of them must be banned in the end, and then everything is judged.
 */
final class FaultsScenario {
  private static final Duration SOON = Duration.ofMinutes(2);
  private static final Duration LOOK = Duration.ofMillis(250);

  private static final String MORE_RULES =
      StageOptions.RULES.replace(
          "limits:",
          """
            - name: later
              match: { sources: [gateway], paths: ['^/\\.aws'] }
              threshold: 3
              window: 10m
              ban: 1h
          limits:\
          """
              .indent(0)
              .stripTrailing());

  private final Stage stage;
  private final Bystanders bystanders;
  private final Assault assault;
  private final Duration length;
  private final Judgement judgement;
  private final List<Row> rows = new ArrayList<>();
  private final int before;

  /**
   * @param length of a fault that lasts
   * @param before what is banned already
   */
  FaultsScenario(
      Stage stage, Bystanders bystanders, Assault assault, Duration length, List<String> before) {
    this.stage = stage;
    this.bystanders = bystanders;
    this.assault = assault;
    this.length = length;
    this.before = before.size();
    judgement = new Judgement(stage, bystanders, assault, before);
  }

  /**
   * What became of a fault, as it stands in the report.
   *
   * @param faultSeconds from its beginning to its end
   * @param bannedSeconds from its end until all who attacked were banned
   * @param agreedSeconds from then until all was compared and right
   * @param answered requests of ordinary clients, a monitor and a crawler until then
   */
  private record Row(
      String fault,
      int attackers,
      double faultSeconds,
      double bannedSeconds,
      double agreedSeconds,
      long events,
      long answered) {}

  /** Something that happens and is mended. */
  private interface Fault {
    void begin();

    void end();
  }

  void run() {
    calm();
    play("leader killed", killed());
    play("API server away", apiServerAway());
    play("node cut off", cutOff(() -> stage.nodes().getLast()));
    play("leader's node cut off", cutOff(this::leadersNode));
    play("authz-servers rolled", rolled());
    play("rules changed", rulesChanged());
    play("unbanned by hand", unbanned());
    report();
  }

  /** Judges without a fault, so that what is wrong later is because of one. */
  private void calm() {
    play("none", fault(() -> {}, () -> {}));
  }

  private void play(String name, Fault fault) {
    List<Offender> offenders = new ArrayList<>(assault.wave());
    long begun = System.nanoTime();
    fault.begin();
    offenders.addAll(assault.wave());
    fault.end();
    long ended = System.nanoTime();
    offenders.addAll(assault.wave());
    judgement.awaitBanned(assault.all());
    long banned = System.nanoTime();
    judgement.judge(name);
    long agreed = System.nanoTime();
    Row row =
        new Row(
            name,
            offenders.size(),
            seconds(begun, ended),
            seconds(ended, banned),
            seconds(banned, agreed),
            stage.log().size(),
            bystanders.answered());
    rows.add(row);
    System.out.printf(
        Locale.ROOT,
        "stage: fault \"%s\" for %.1f s: %d attackers banned %.1f s after its end, all compared"
            + " %.1f s later%n",
        name,
        row.faultSeconds(),
        row.attackers(),
        row.bannedSeconds(),
        row.agreedSeconds());
  }

  private static double seconds(long from, long to) {
    return Math.round((to - from) / 1e8) / 10.0;
  }

  private static Fault fault(Runnable begin, Runnable end) {
    return new Fault() {
      @Override
      public void begin() {
        begin.run();
      }

      @Override
      public void end() {
        end.run();
      }
    };
  }

  private StageProcess leader() {
    return await("a watcher leads")
        .atMost(SOON)
        .pollInterval(LOOK)
        .until(stage::leader, found -> found.isPresent())
        .orElseThrow();
  }

  /** The attack goes on meanwhile. */
  private void last() {
    long begun = System.nanoTime();
    for (long left = length.toNanos();
        left > 0;
        left = begun + length.toNanos() - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  // ---- the faults

  private Fault killed() {
    StageProcess[] killed = new StageProcess[1];
    return fault(
        () -> {
          killed[0] = leader();
          killed[0].kill();
        },
        () -> {
          assertThat(leader()).isNotSameAs(killed[0]);
          killed[0].start();
        });
  }

  private Fault apiServerAway() {
    return fault(
        stage::stopApiServer,
        () -> {
          last();
          stage.startApiServer();
        });
  }

  private Fault cutOff(Supplier<StageNode> which) {
    StageNode[] node = new StageNode[1];
    return fault(
        () -> {
          node[0] = which.get();
          node[0].partition();
        },
        () -> {
          last();
          node[0].join();
        });
  }

  private StageNode leadersNode() {
    return stage.nodes().get(stage.watchers().indexOf(leader()));
  }

  private Fault rolled() {
    return fault(
        () -> stage.authzServers().getFirst().stop(),
        () -> {
          stage.authzServers().getFirst().start();
          for (StageProcess server : stage.authzServers().subList(1, stage.authzServers().size())) {
            server.stop();
            server.start();
          }
        });
  }

  /** Who does what only the new rules look for is banned while they are in force. */
  private Fault rulesChanged() {
    List<Offender> later = new ArrayList<>();
    return fault(
        () -> {
          stage.changeRules(MORE_RULES);
          later.add(assault.begin(Way.LATER, false));
        },
        () -> {
          judgement.awaitBanned(later);
          stage.changeRules(StageOptions.RULES);
        });
  }

  /** Of one who is dropped everywhere the ban is taken off, and then he attacks again. */
  private Fault unbanned() {
    Offender freed = assault.all().getFirst();
    String banned = Attackers.banned(freed.address());
    return fault(
        () -> {
          freed.rest();
          judgement.isUnbanned(freed);
          String ignored =
              stage
                  .kubectl()
                  .run(
                      "patch",
                      "configmap",
                      "ip-sentry-blocklist",
                      "--type=merge",
                      "--patch",
                      "{\"data\":{\"blocklist.json\":\"{\\\"%s\\\":null}\"}}".formatted(banned));
          await("the ban of " + banned + " is taken off")
              .atMost(SOON)
              .pollInterval(LOOK)
              .until(() -> !judgement.isBanned(freed));
          stage.nodes().forEach(node -> isAnswered(freed.address(), node));
        },
        freed::attack);
  }

  private void isAnswered(String address, StageNode node) {
    await(address + " is answered by " + node.name())
        .atMost(SOON)
        .pollInterval(LOOK)
        .until(() -> stage.outside().get(address, node, "/").isPresent());
    assertThat(node.drops(address)).isFalse();
  }

  // ---- the numbers

  private void report() {
    StageReport report = new StageReport("faults");
    report.put("bansBefore", before);
    report.put("faultSeconds", length.toSeconds());
    report.put("faults", rows);
    report.put("clientsSpared", List.of(Addresses.client(1), Addresses.client6(1)));
    Map<String, Long> memory = new LinkedHashMap<>();
    judgement
        .processes()
        .forEach(process -> memory.put(process.name(), process.residentBytes() >> 20));
    report.put("residentMiB", memory);
    report.write();
    System.out.println("stage: resident memory at the end, MiB: " + memory);
  }
}
