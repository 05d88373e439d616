package io.ipsentry.conformance.pods;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.conformance.cluster.ReleaseInCluster;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import io.ipsentry.testing.kubelet.RuntimeLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code ip-sentry watcher} processes that read the logs of pods of three nodes, with the rights of
 * {@code docs/examples/cluster-rbac.yaml}: whom they ban is whom {@code ip-sentry replay} bans by
 * the same traffic in one file, also when the leader is killed in the middle.
 */
@RequiresCluster
final class PodLogWatchersIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int CLIENTS = 120;
  private static final int NODES = 3;

  /** Longer: {@code -Dipsentry.pods.requests=200000}. */
  private static final int REQUESTS = Integer.getInteger("ipsentry.pods.requests", 6_000);

  private static final String RULES =
      """
      rules:
        - name: probing
          match: { paths: ['^/\\.env', '^/wp-login', '^/\\.git'] }
          threshold: 6
          distinct: 3
          window: 10m
          ban: 24h
      """;

  private static final DateTimeFormatter CLF =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT).withZone(ZoneOffset.UTC);

  private final ReleaseInCluster release = ReleaseInCluster.in(TestCluster.shared());

  @TempDir private Path directory;

  private RunningWatcher start(String name) throws IOException {
    Path own = Files.createDirectories(directory.resolve(name));
    RunningWatcher watcher =
        RunningWatcher.start(
            own,
            "{ kubernetes: { kubeconfig: %s }, leader: { lease: 3s, insecure: true, tokenFile: %s, "
                    .formatted(
                        release.kubeconfig(own, "ip-sentry-watcher"),
                        release.token(own, "ip-sentry-watcher"))
                + "advertise: \"127.0.0.1:%d\" } }",
            "{ name: gateway, pods: { namespace: %s, selector: %s, container: %s } }"
                .formatted(release.namespace(), GatewayPods.SELECTOR, GatewayPods.CONTAINER),
            RULES);
    return watcher;
  }

  private static void until(String what, Callable<Boolean> condition) {
    await(what).atMost(SOON).pollInterval(Duration.ofMillis(50)).until(condition);
  }

  private static Set<String> bans(RunningWatcher watcher) {
    List<String> bans =
        watcher.history().stream()
            .map(SequencedEvent::event)
            .filter(BanEvent.Ban.class::isInstance)
            .map(BanEvent.Ban.class::cast)
            .map(ban -> ban.ip() + " " + ban.rule())
            .toList();
    assertThat(bans).doesNotHaveDuplicates();
    return new TreeSet<>(bans);
  }

  @Test
  void leader_killedInTheMiddle_bansAreThoseOfOneFile() throws Exception {
    List<String> names = List.of("gw-0", "gw-1", "gw-2", "gw-3", "gw-4", "gw-5");
    try (GatewayPods pods = new GatewayPods(TestCluster.shared(), release.namespace(), NODES)) {
      pods.create(names);
      List<RuntimeLog> logs = names.stream().map(pods::log).toList();
      SplittableRandom random = new SplittableRandom(8);
      List<String> file = new ArrayList<>();
      try (RunningWatcher first = start("a")) {
        until("the first leads", first::leads);
        until("all are read", () -> streams(first) == names.size());
        try (RunningWatcher second = start("b")) {
          write(logs, random, file, REQUESTS / 3);
          until("some are banned", () -> !bans(first).isEmpty());
          assertThat(first.kill()).isNotZero();
          // Nobody reads.
          write(logs, random, file, REQUESTS / 3);
          until("the second leads", second::leads);
          write(logs, random, file, REQUESTS / 3);

          Set<String> expected = replayed(file);
          assertThat(expected).hasSizeBetween(10, CLIENTS);
          until("all are banned", () -> bans(second).size() >= expected.size());
          until("all is read", () -> read(second) >= REQUESTS);
          assertThat(bans(second)).isEqualTo(expected);
          assertThat(second.command("status").out()).contains("gw-3/" + GatewayPods.CONTAINER);
          System.out.printf(
              "pods on %d nodes, leader killed: %d requests, %d banned, as by one file%n",
              NODES, REQUESTS, expected.size());
        }
      }
    }
  }

  private static double streams(RunningWatcher watcher) {
    return watcher.metric("ip_sentry_pod_streams{source=\"gateway\"}").orElse(0);
  }

  private static double read(RunningWatcher watcher) {
    return watcher.metric("ip_sentry_lines_total{source=\"gateway\"}").orElse(0);
  }

  /** Of many clients some probe, each through any of the pods. */
  private static void write(
      List<RuntimeLog> logs, SplittableRandom random, List<String> file, int requests) {
    List<String> paths = List.of("/", "/shop", "/.env", "/wp-login.php", "/.git/config");
    for (int i = 0; i < requests; i++) {
      int client = random.nextInt(CLIENTS);
      // The higher, the more it probes; the lowest never do enough.
      boolean probes = random.nextInt(CLIENTS) < client - CLIENTS / 2;
      String path = paths.get(probes ? 2 + random.nextInt(3) : random.nextInt(2));
      Instant now = Instant.now();
      String line =
          "203.0.113.%d - - [%s] \"GET %s HTTP/1.1\" %d 153 \"-\" \"test\""
              .formatted(client + 1, CLF.format(now), path, probes ? 404 : 200);
      logs.get(random.nextInt(logs.size())).write(now, line);
      file.add(line);
    }
  }

  private Set<String> replayed(List<String> file) throws IOException {
    Path log = Files.write(directory.resolve("all.log"), file);
    Path config =
        Files.writeString(
            directory.resolve("replay.yaml"),
            "sources: [{ name: gateway, file: %s, format: combined }]%n".formatted(log) + RULES);
    IpSentry.Result result =
        IpSentry.run("replay", "--config", config.toString(), "-o", "json", log.toString());
    assertThat(result.exitCode()).as(result.err()).isZero();
    return result
        .out()
        .lines()
        .map(ban -> ban.replaceAll(".*\"ip\":\"([^\"]+)\".*\"rule\":\"([^\"]+)\".*", "$1 $2"))
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
