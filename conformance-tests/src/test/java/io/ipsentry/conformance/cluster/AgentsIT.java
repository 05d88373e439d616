package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningAgent;
import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.SystemJournal;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same traffic through three {@code ip-sentry agent} processes, each with the logs of a node,
 * and as one file: identical bans. Clients spread over the nodes and are only just over, or only
 * just under, the threshold, so a single hit that is lost or counted twice shows. With {@code
 * -Dagents.rounds=20} leaders and agents are killed so many times.
 */
@RequiresCluster
final class AgentsIT {
  private static final int ROUNDS = Integer.getInteger("agents.rounds", 1);
  private static final Duration SOON = Duration.ofMinutes(2);
  private static final int NODES = 3;
  private static final int CONTAINERS = 2;
  private static final int THRESHOLD = 5;
  private static final int STEPS = 40;
  private static final int EARLY = 10;
  private static final int CLIENTS = 40;
  private static final int OVER = 18;
  private static final int UNDER = 19;
  private static final String RULES =
      """
      rules:
        - name: probing
          match: { paths: ['^/\\.env'] }
          threshold: %d
          window: 5m
          ban: 24h
      """
          .formatted(THRESHOLD);

  private final ReleaseInCluster release = ReleaseInCluster.in(TestCluster.shared());
  private final List<NodeLogs> logs = new ArrayList<>();
  private final List<RunningAgent> agents = new ArrayList<>();
  private final List<RunningWatcher> watchers = new ArrayList<>();
  private final Set<String> expected = new TreeSet<>();

  @TempDir private Path directory;

  @AfterEach
  void end() {
    agents.forEach(RunningAgent::close);
    watchers.forEach(RunningWatcher::close);
  }

  private static void until(String what, Callable<Boolean> condition) {
    await(what).atMost(SOON).pollInterval(Duration.ofMillis(50)).until(condition);
  }

  private void startWatcher(String name) throws IOException {
    startWatcher(name, RULES);
  }

  private void startWatcher(String name, String rules) throws IOException {
    Path own = Files.createDirectories(directory.resolve(name));
    watchers.add(
        RunningWatcher.start(
            own,
            "{ kubernetes: { kubeconfig: %s }, leader: { lease: 3s, insecure: true, tokenFile: %s, "
                    .formatted(
                        release.kubeconfig(own, "ip-sentry-watcher"),
                        release.token(own, "ip-sentry-watcher"))
                + "advertise: \"127.0.0.1:%d\" } }",
            rules));
  }

  private void launchAgent(int number) throws IOException {
    Path node = Files.createDirectories(directory.resolve("node" + number));
    for (int container = 0; container < CONTAINERS; container++) {
      logs.add(NodeLogs.create(node, "web-" + container));
    }
    agents.add(
        RunningAgent.launch(
            node,
            List.of(),
            """
            sources:
              - { name: pods, file: "%s", format: combined, reader: agent }
              - { name: gateway, file: /nowhere/access.log, format: combined }
            store:
              kubernetes: { kubeconfig: %s }
              leader: { insecure: true, tokenFile: %s }
            """
                    .formatted(
                        NodeLogs.glob(node),
                        release.kubeconfig(node, "ip-sentry-reader"),
                        release.token(node, "ip-sentry-reader"))
                + RULES));
  }

  private RunningWatcher leader() {
    until("one leads", () -> watchers.stream().anyMatch(RunningWatcher::leads));
    return watchers.stream().filter(RunningWatcher::leads).findFirst().orElseThrow();
  }

  private static List<String> bans(RunningWatcher watcher) {
    return watcher.history().stream()
        .map(SequencedEvent::event)
        .filter(BanEvent.Ban.class::isInstance)
        .map(event -> ((BanEvent.Ban) event).ip().toString())
        .toList();
  }

  /** A client of the network for tests of devices, which nobody has. */
  private static String client(int network, int phase, int number) {
    return "198.%d.%d.%d".formatted(network, phase, number);
  }

  private void request(int container, String client, String target) throws IOException {
    String line =
        logs.get(container)
            .write(
                "%s - - [26/Nov/2026:10:00:00 +0000] \"GET %s HTTP/1.1\" 404 1 \"-\" \"-\""
                    .formatted(client, target));
    Path ignored =
        Files.writeString(
            directory.resolve("one.log"),
            line,
            StandardCharsets.UTF_8,
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND);
  }

  /** What happens beside the traffic, before a step. */
  @FunctionalInterface
  private interface Trouble {
    void before(int step) throws Exception;
  }

  /** Traffic of clients of its own; afterwards everything was counted. */
  private void traffic(int phase, Trouble trouble) throws Exception {
    for (int step = 0; step < STEPS; step++) {
      trouble.before(step);
      for (int i = 0; i < CLIENTS; i++) {
        // The first ones are at it at the beginning, the others all the time.
        boolean isEarly = i < EARLY;
        int pace = STEPS / THRESHOLD;
        boolean now = isEarly ? step < THRESHOLD : step % pace == i % pace;
        int container = (i + step) % logs.size();
        if (now) {
          request(container, client(OVER, phase, i), "/.env");
          expected.add(client(OVER, phase, i));
          // Only just not.
          boolean last = step >= (isEarly ? THRESHOLD - 1 : STEPS - pace);
          request(container, client(UNDER, phase, i), last ? "/" : "/.env");
        }
      }
      if (step % 8 == 7) {
        logs.get(step / 8 % logs.size()).rotate();
      }
    }
    for (int container = 0; container < logs.size(); container++) {
      String marker = client(OVER, phase, CLIENTS + container);
      expected.add(marker);
      for (int hit = 0; hit < THRESHOLD; hit++) {
        request(container, marker, "/.env?last");
      }
    }
    // Hits of a file come in order: behind those of the markers there are none.
    await("all was counted")
        .atMost(SOON)
        .untilAsserted(() -> assertThat(bans(leader())).containsAll(expected));
    assertThat(bans(leader()))
        .doesNotHaveDuplicates()
        .containsExactlyInAnyOrderElementsOf(expected);
  }

  private void kill(RunningWatcher leading) throws InterruptedException {
    assertThat(leading.kill()).isNotZero();
    watchers.remove(leading);
    leading.close();
  }

  @Test
  void agents_leaderAndAgentKilled_banAsOneFileDoes() throws Exception {
    for (int node = 0; node < NODES; node++) {
      launchAgent(node);
    }
    startWatcher("first");
    agents.forEach(RunningAgent::awaitReady);

    traffic(0, step -> {});
    for (int round = 1; round <= ROUNDS; round++) {
      int killed = 2 * round - 1;
      startWatcher("a" + round);
      traffic(
          killed,
          step -> {
            if (step == STEPS / 2) {
              until("some are banned", () -> bans(leader()).contains(client(OVER, killed, 0)));
              kill(leader());
            }
          });
      int bothKilled = 2 * round;
      startWatcher("b" + round);
      RunningAgent agent = agents.get(round % NODES);
      traffic(
          bothKilled,
          step -> {
            if (step == STEPS / 3) {
              until("some are banned", () -> bans(leader()).contains(client(OVER, bothKilled, 0)));
              agent.kill();
              agent.launch();
            } else if (step == STEPS * 2 / 3) {
              // Hits of before the restart are sent again to another leader.
              until(
                  "the agent is there again",
                  () -> agent.metric("ip_sentry_report_connected").orElse(0) == 1);
              kill(leader());
            }
          });
    }

    assertThat(replayed()).isEqualTo(expected);
    IpSentry.Result second = agents.getFirst().second();
    assertThat(second.exitCode()).isEqualTo(3);
    assertThat(second.err()).contains("another ip-sentry agent").contains("--checkpoints");
    for (RunningAgent agent : agents) {
      assertThat(agent.metric("ip_sentry_report_waiting")).hasValue(0);
      assertThat(agent.metric("ip_sentry_report_lost_total")).hasValue(0);
      assertThat(agent.metric("ip_sentry_agent_paused")).hasValue(0);
      assertThat(agent.metric("ip_sentry_lines_total{source=\"pods\"}").orElse(0)).isPositive();
      assertThat(agent.metrics()).doesNotContain("source=\"gateway\"");
      assertThat(agent.stop()).isZero();
      assertThat(agent.log()).doesNotContain("\"level\":\"error\"");
    }
  }

  private RunningAgent launchReaderOfAJournal(Path node) throws IOException {
    return RunningAgent.launch(
        node,
        List.of(),
        """
        sources:
          - name: sshd
            journald: { units: ssh.service, directory: %s }
            format: sshd
            reader: agent
        rules:
          - { name: sshd, match: { authFailures: true }, threshold: %d, window: 10m, ban: 24h }
        store:
          kubernetes: { kubeconfig: %s }
          leader: { insecure: true, tokenFile: %s }
        """
            .formatted(
                node.resolve("journal"),
                THRESHOLD,
                release.kubeconfig(node, "ip-sentry-reader"),
                release.token(node, "ip-sentry-reader")));
  }

  /** Real journals of two nodes; one of the agents is killed while a login fails. */
  @Test
  @RequiresProgram({"journalctl", "systemd-journal-remote"})
  void agents_readJournals_countOverNodesAndGoOnAfterAKill() throws Exception {
    List<SystemJournal> journals = new ArrayList<>();
    startWatcher(
        "ofJournals",
        "rules: [{ name: sshd, match: { authFailures: true }, threshold: "
            + THRESHOLD
            + ", window: 10m, ban: 24h }]\n");
    for (int i = 0; i < 2; i++) {
      Path node = Files.createDirectories(directory.resolve("journals" + i));
      journals.add(new SystemJournal(Files.createDirectory(node.resolve("journal"))));
      // What was before the agent is of no concern to it.
      fail(journals.get(i), i, "203.0.113.99", "ssh.service");
      agents.add(launchReaderOfAJournal(node));
    }
    agents.forEach(RunningAgent::awaitReady);
    for (int i = 0; i < 2; i++) {
      int number = 10 + 10 * i;
      for (int hit = 0; hit < THRESHOLD / 2; hit++) {
        fail(journals.get(i), number + hit, "203.0.113.7", "ssh.service");
      }
      // Other units are not read.
      fail(journals.get(i), number + 9, "203.0.113.7", "cron.service");
    }
    int half = THRESHOLD / 2;
    String lines = "ip_sentry_lines_total{source=\"sshd\"}";
    until(
        "both were read",
        () ->
            agents.stream()
                .allMatch(agent ->
                    agent.metric(lines).orElse(0) == half
                        && agent.metric("ip_sentry_report_waiting").orElse(1) == 0));
    assertThat(bans(leader())).isEmpty();

    agents.getFirst().kill();
    // The last one that it takes is written while nobody reads.
    fail(journals.getFirst(), 30, "203.0.113.7", "ssh.service");
    fail(journals.getFirst(), 31, "203.0.113.8", "ssh.service");
    agents.getFirst().launch();

    until("banned", () -> bans(leader()).equals(List.of("203.0.113.7")));
    assertThat(THRESHOLD % 2).as("the last hit is the one of while nobody read").isOne();
    agents.getFirst().awaitReady();
    for (RunningAgent agent : agents) {
      assertThat(agent.metric("ip_sentry_report_lost_total")).hasValue(0);
      assertThat(agent.stop()).isZero();
      assertThat(agent.log()).doesNotContain("\"level\":\"error\"");
    }
  }

  private static void fail(SystemJournal journal, int pid, String client, String unit) {
    journal.append(
        new SystemJournal.Entry(
            Instant.now(),
            unit,
            "sshd",
            pid,
            "Failed password for root from " + client + " port 51234 ssh2"));
  }

  /** Who is banned when all the lines are read as one file. */
  private Set<String> replayed() throws IOException {
    Path config =
        Files.writeString(
            directory.resolve("one.yaml"),
            "sources: [{ name: one, file: one.log, format: combined }]\n" + RULES);
    IpSentry.Result replay =
        IpSentry.run(
            "replay",
            "--config",
            config.toString(),
            "-o",
            "json",
            directory.resolve("one.log").toString());
    assertThat(replay.exitCode()).as(replay.err()).isZero();
    Set<String> banned = new TreeSet<>();
    replay.json().forEach(ban -> banned.add(String.valueOf(ban.get("ip"))));
    return banned;
  }
}
