package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two {@code ip-sentry watcher} processes on a real API server, each with an access log, with the
 * rights of {@code docs/examples/cluster-rbac.yaml}.
 */
@RequiresCluster
final class WatchersIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String RULES =
      """
      rules:
        - name: probing
          match: { paths: ['^/\\.env'] }
          threshold: 3
          window: 2m
          ban: 24h
      neverBan: [198.51.100.0/24]
      """;

  private final ReleaseInCluster release = ReleaseInCluster.in(TestCluster.shared());

  @TempDir private Path directory;

  private RunningWatcher start(String name) throws IOException {
    Path own = Files.createDirectories(directory.resolve(name));
    return RunningWatcher.start(
        own,
        "{ kubernetes: { kubeconfig: %s }, leader: { lease: 3s, insecure: true, tokenFile: %s, "
                .formatted(
                    release.kubeconfig(own, "ip-sentry-watcher"),
                    release.token(own, "ip-sentry-watcher"))
            + "advertise: \"127.0.0.1:%d\" } }",
        RULES);
  }

  private static void until(String what, Callable<Boolean> condition) {
    await(what).atMost(SOON).pollInterval(Duration.ofMillis(50)).until(condition);
  }

  private static List<String> bans(RunningWatcher watcher) {
    return watcher.history().stream()
        .map(SequencedEvent::event)
        .filter(BanEvent.Ban.class::isInstance)
        .map(event -> ((BanEvent.Ban) event).ip().toString())
        .toList();
  }

  private String document() {
    return release
        .kubectl()
        .attempt(
            "get", "configmap", "ip-sentry-blocklist", "-o", "jsonpath={.data.blocklist\\.json}")
        .out();
  }

  private void patch(String address) {
    String ignored =
        release
            .kubectl()
            .run(
                "patch",
                "configmap",
                "ip-sentry-blocklist",
                "--type=merge",
                "-p",
                ("{\"data\":{\"blocklist.json\":\"{\\\"%s\\\":{\\\"banned_at\\\":\\\"%s\\\","
                        + "\\\"expires_at\\\":\\\"2099-01-01T00:00:00Z\\\",\\\"reason\\\":"
                        + "\\\"manual\\\",\\\"hit_count\\\":1}}\"}}")
                    .formatted(address, Instant.now()));
  }

  @Test
  void watchers_killedAndStopped_takeOverAndLoseNothing() throws Exception {
    try (RunningWatcher first = start("a")) {
      until("the first leads", first::leads);
      try (RunningWatcher second = start("b")) {
        assertThat(second.leads()).isFalse();

        // A line on the leader is a ban that everybody knows and people see.
        first.probe("203.0.113.1", 3);
        until("banned", () -> bans(first).contains("203.0.113.1"));
        until("known to the other", () -> bans(second).contains("203.0.113.1"));
        until("shown", () -> document().contains("203.0.113.1"));

        // A person's patch is carried out once.
        patch("203.0.113.2");
        until("carried out", () -> bans(second).contains("203.0.113.2"));

        // What must not be banned is told, and the standby passes changes on to the leader.
        assertThat(release.kubectl().run("get", "cm", "ip-sentry-protected", "-o", "yaml"))
            .contains("198.51.100.0/24 never-ban")
            .contains("cluster service");
        standbyPassesOn(first, second);

        long killed = System.nanoTime();
        assertThat(first.kill()).isNotZero();
        // Nobody leads: a patch waits, and so do lines.
        patch("203.0.113.3");
        second.probe("203.0.113.4", 2);
        until("the second leads", second::leads);
        tell("kill -9", killed, "lease 3 s");
        second.probe("203.0.113.4", 1);
        until("banned by the second", () -> bans(second).contains("203.0.113.4"));
        until("the patch is carried out", () -> bans(second).contains("203.0.113.3"));
        until("shown", () -> document().contains("203.0.113.4"));

        first.start();
        assertThat(first.leads()).isFalse();
        long stopped = System.nanoTime();
        assertThat(second.stop()).isZero();
        until("the first leads again", first::leads);
        tell("SIGTERM", stopped, "retry 0.4 s, with the end of the process");
        assertThat(second.log()).doesNotContain("\"level\":\"ERROR\"");

        first.probe("203.0.113.5", 3);
        until("banned by the first again", () -> bans(first).contains("203.0.113.5"));
        assertThat(bans(first))
            .containsExactlyInAnyOrder(
                "203.0.113.1",
                "203.0.113.2",
                "203.0.113.99",
                "203.0.113.3",
                "203.0.113.4",
                "203.0.113.5");
        assertThat(first.stop()).isZero();
      }
    }
  }

  private static void standbyPassesOn(RunningWatcher leader, RunningWatcher standby) {
    IpSentry.Result passedOn = standby.command("ban", "203.0.113.99");
    assertThat(passedOn.exitCode()).as(passedOn.err()).isZero();
    assertThat(bans(standby)).contains("203.0.113.99");
    assertThat(bans(leader)).contains("203.0.113.99");
    IpSentry.Result status = leader.command("status", "-o", "json");
    assertThat(status.out()).contains("\"leads\":true").contains("\"blocklist\"");
    assertThat(standby.command("status").out()).contains("stands by").contains(leader.address());
    assertThat(leader.command("status").out()).contains("leads");
    IpSentry.Result protectedOne = standby.command("ban", "198.51.100.7");
    assertThat(protectedOne.exitCode()).isEqualTo(1);
  }

  private static void tell(String how, long since, String terms) {
    System.out.printf(
        "takeover after %s: %d ms (%s)%n", how, (System.nanoTime() - since) / 1_000_000, terms);
  }

  @Test
  void lease_forcedToAnother_isHarmless() throws Exception {
    try (RunningWatcher first = start("a");
        RunningWatcher second = start("b")) {
      until("one leads", () -> first.leads() || second.leads());
      for (int round = 1; round <= 3; round++) {
        String address = "203.0.113." + (10 + round);
        String stolen =
            release
                .kubectl()
                .run(
                    "patch",
                    "lease",
                    "ip-sentry-watcher",
                    "--type=merge",
                    "-p",
                    "{\"spec\":{\"holderIdentity\":\"somebody\"}}");
        assertThat(stolen).contains("patched");
        first.probe(address, 3);
        second.probe(address, 3);
        until("nobody leads", () -> !first.leads() && !second.leads());
        until("banned", () -> bans(first).contains(address));
      }
      until("known", () -> second.history().size() == first.history().size());
      assertThat(bans(first)).doesNotHaveDuplicates();
      List<SequencedEvent> events = first.history();
      assertThat(events).isEqualTo(second.history());
    }
  }

  @Test
  void log_full_isSaidAndLeftByItself() throws Exception {
    try (RunningWatcher only = start("a")) {
      until("leads", only::leads);
      until("shown", () -> document().contains("_version"));
      quota(0);
      only.probe("203.0.113.50", 3);
      until("full", () -> only.metric("ip_sentry_log_full").orElse(0) == 1);
      assertThat(only.status("/readyz")).isEqualTo(503);
      assertThat(only.readiness()).contains("raise the quota");
      assertThat(only.command("status").out()).contains("log full");
      until(
          "an Event",
          () -> release.kubectl().run("get", "events", "-o", "wide").contains("LogFull"));
      assertThat(only.history()).isEmpty();

      quota(1_000);
      until("banned", () -> bans(only).contains("203.0.113.50"));
      until("ready", () -> only.status("/readyz") == 200);
    }
  }

  /** Whose numbers a controller would keep, which there is none of here. */
  private void quota(int configMaps) {
    String made =
        release
            .kubectl()
            .feed(
                """
                apiVersion: v1
                kind: ResourceQuota
                metadata: { name: small }
                spec: { hard: { configmaps: "%d" } }
                """
                    .formatted(configMaps),
                "apply",
                "-f",
                "-");
    String counted =
        release
            .kubectl()
            .run(
                "patch",
                "resourcequota",
                "small",
                "--subresource=status",
                "--type=merge",
                "-p",
                "{\"status\":{\"hard\":{\"configmaps\":\"%d\"},\"used\":{\"configmaps\":\"0\"}}}"
                    .formatted(configMaps));
    assertThat(made + counted).contains("small");
  }

  @Test
  void blocklistOfTheOriginal_firstStart_isTakenOver() throws Exception {
    String made =
        release
            .kubectl()
            .run(
                "create",
                "configmap",
                "ip-sentry-blocklist",
                "--from-literal=blocklist.json={\"203.0.113.77\":{\"banned_at\":"
                    + "\"2026-01-01T00:00:00Z\",\"expires_at\":\"2099-01-01T00:00:00Z\","
                    + "\"reason\":\"^/wp-admin\",\"hit_count\":4}}");
    assertThat(made).contains("created");
    try (RunningWatcher only = start("a")) {
      until("taken over", () -> bans(only).contains("203.0.113.77"));
      until("shown", () -> document().contains("_version"));
      assertThat(document()).contains("203.0.113.77");
      assertThat(only.history().getFirst().event())
          .isInstanceOfSatisfying(
              BanEvent.Ban.class, ban -> assertThat(ban.by()).isEqualTo("import"));
    }
  }
}
