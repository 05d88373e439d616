package io.ipsentry.conformance.stage;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.stage.Addresses;
import io.ipsentry.stage.Bystanders;
import io.ipsentry.stage.Stage;
import io.ipsentry.stage.StageProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/**
 * What must hold after a fault, whatever it was: whoever attacked is banned, every reader has what
 * the log says, nobody innocent was refused, and no attacker got away. Confined to one thread.
 */
final class Judgement {
  private static final Duration SOON = Duration.ofMinutes(4);
  private static final Duration LOOK = Duration.ofMillis(250);
  private static final int MAX_SAID = 20;

  private final Stage stage;
  private final Bystanders bystanders;
  private final Assault assault;
  private final Readers readers;
  private final Set<String> before;

  /** How often a prefix was unbanned by hand. */
  private final Map<String, Integer> unbanned = new HashMap<>();

  /** The fold of what was read of the log so far, which is not read again. */
  private final ActiveBans live = new ActiveBans();

  /**
   * @param before what was banned before all this
   */
  Judgement(Stage stage, Bystanders bystanders, Assault assault, List<String> before) {
    this.stage = stage;
    this.bystanders = bystanders;
    this.assault = assault;
    this.before = new HashSet<>(before);
    readers = new Readers(stage);
  }

  /** Somebody takes the ban of an attacker off, once, and he will be banned anew. */
  void isUnbanned(Offender offender) {
    unbanned.merge(Attackers.banned(offender.address()), 1, Integer::sum);
  }

  /** Whether an attacker is banned, as far as the log says now. */
  boolean isBanned(Offender offender) {
    stage.log(live.head() + 1).forEach(live::apply);
    IpPrefix banned = IpPrefix.parse(Attackers.banned(offender.address()));
    return !live.get(banned, stage.clock().instant()).isEmpty();
  }

  /** Waits until all of them are banned; who is missing is told. */
  void awaitBanned(List<Offender> offenders) {
    try {
      Awaitility.await()
          .atMost(SOON)
          .pollInterval(LOOK)
          .until(() -> offenders.stream().allMatch(this::isBanned));
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(
          "not banned after "
              + SOON
              + ": "
              + offenders.stream().filter(offender -> !isBanned(offender)).toList()
              + "; "
              + troubles(),
          e);
    }
  }

  /** What each process said last of what went wrong. */
  private Map<String, List<String>> troubles() {
    Map<String, List<String>> said = new TreeMap<>();
    for (StageProcess process : processes()) {
      List<String> lines =
          process.log().stream()
              .filter(line ->
                  line.contains("\"level\":\"warn\"") || line.contains("\"level\":\"error\""))
              .toList();
      said.put(process.name(), lines.subList(Math.max(0, lines.size() - MAX_SAID), lines.size()));
    }
    return said;
  }

  /** Judges, after all who have attacked so far are banned; they are held to it from then on. */
  void judge(String fault) {
    processes()
        .forEach(process ->
            assertThat(process.isRunning())
                .as("%s runs after: %s", process.name(), fault)
                .isTrue());
    List<SequencedEvent> events =
        readers.judge(
            List.of(
                Addresses.client(1), Addresses.client6(1), Addresses.CRAWLER, Addresses.MONITOR));
    assault.all().forEach(Offender::isDropped);
    events(events);
    assertThat(bystanders.wronged()).as(fault).isEmpty();
    assertThat(assault.all().stream().flatMap(each -> each.escapes().stream())).as(fault).isEmpty();
    for (StageProcess enforcer : stage.enforcers()) {
      assertThat(enforcer.metric("ip_sentry_enforcer_repairs_total"))
          .as(
              "nobody touched the kernel of %s; after: %s; %s",
              enforcer.name(), fault, saidOfTheKernel(enforcer))
          .hasValue(0);
    }
  }

  private static List<String> saidOfTheKernel(StageProcess enforcer) {
    return enforcer.log().stream().filter(line -> line.contains("\"wrong_end\":")).toList();
  }

  /** Who attacked is banned, once for each time that he was free, and nobody else. */
  private void events(List<SequencedEvent> events) {
    Map<String, Integer> bans = new HashMap<>();
    Map<String, Integer> unbans = new HashMap<>();
    for (SequencedEvent event : events) {
      switch (event.event()) {
        case BanEvent.Ban ban -> bans.merge(ban.ip().toString(), 1, Integer::sum);
        case BanEvent.Unban unban -> unbans.merge(unban.ip().toString(), 1, Integer::sum);
        default -> throw new AssertionError("who did this: " + event);
      }
    }
    Map<String, Integer> expected = new HashMap<>();
    before.forEach(prefix -> expected.put(prefix, 1));
    assault.all().forEach(each -> expected.put(Attackers.banned(each.address()), 1));
    unbanned.forEach((prefix, times) -> expected.merge(prefix, times, Integer::sum));
    assertThat(unbans).isEqualTo(unbanned);
    assertThat(differences(bans, expected)).as("bans, and how many were expected").isEmpty();
  }

  private static List<String> differences(
      Map<String, Integer> actual, Map<String, Integer> expected) {
    return Stream.concat(actual.keySet().stream(), expected.keySet().stream())
        .distinct()
        .filter(key -> !actual.getOrDefault(key, 0).equals(expected.getOrDefault(key, 0)))
        .map(key -> key + ": " + actual.get(key) + ", " + expected.get(key))
        .toList();
  }

  List<StageProcess> processes() {
    List<StageProcess> all = new ArrayList<>(stage.watchers());
    all.addAll(stage.authzServers());
    all.addAll(stage.enforcers());
    return all;
  }
}
