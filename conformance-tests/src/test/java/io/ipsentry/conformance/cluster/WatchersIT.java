package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Path;
import java.time.Duration;
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

  private RunningWatcher start(String name) {
    return release.watcher(directory.resolve(name), "3s", RULES);
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
        until("shown", () -> release.blocklist().contains("203.0.113.1"));

        // A person's patch is carried out once.
        assertThat(release.patchBlocklist("203.0.113.2").out()).contains("patched");
        until("carried out", () -> bans(second).contains("203.0.113.2"));

        // What must not be banned is told, and the standby passes changes on to the leader.
        assertThat(release.kubectl().run("get", "cm", "ip-sentry-protected", "-o", "yaml"))
            .contains("198.51.100.0/24 never-ban")
            .contains("cluster service");
        standbyPassesOn(first, second);
        feedsAreTold(second);

        long killed = System.nanoTime();
        assertThat(first.kill()).isNotZero();
        // Nobody leads: a patch waits, and so do lines.
        assertThat(release.patchBlocklist("203.0.113.3").out()).contains("patched");
        second.probe("203.0.113.4", 2);
        until("the second leads", second::leads);
        tell("kill -9", killed, "lease 3 s");
        second.probe("203.0.113.4", 1);
        until("banned by the second", () -> bans(second).contains("203.0.113.4"));
        until("the patch is carried out", () -> bans(second).contains("203.0.113.3"));
        until("shown", () -> release.blocklist().contains("203.0.113.4"));

        first.start();
        assertThat(first.leads()).isFalse();
        long stopped = System.nanoTime();
        assertThat(second.stop()).isZero();
        until("the first leads again", first::leads);
        tell("SIGTERM", stopped, "retry 0.4 s, with the end of the process");
        assertThat(second.log()).doesNotContain("\"level\":\"error\"");

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

  private void feedsAreTold(RunningWatcher standby) {
    try (ClusterLog log = new ClusterLog(TestCluster.shared(), release.namespace(), "ip-sentry")) {
      log.feed("drop-list", "192.0.2.0/28", "2001:db8:bad::/48");
    }
    until(
        "the feed",
        () -> standby.command("get", "192.0.2.9").out().contains("held by feed drop-list"));
    IpSentry.Result got = standby.command("get", "2001:db8:bad::1", "-o", "json");
    assertThat(got.exitCode()).isZero();
    assertThat(got.out()).contains("\"held_by\":[{\"feed\":\"drop-list\",\"entries\":2,");
    assertThat(standby.command("get", "192.0.2.16").exitCode()).isEqualTo(1);
    assertThat(standby.command("list", "--feeds").out()).contains("drop-list").contains("sha256:");
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
      until("shown", () -> release.blocklist().contains("_version"));
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
      until("shown", () -> release.blocklist().contains("_version"));
      assertThat(release.blocklist()).contains("203.0.113.77");
      assertThat(only.history().getFirst().event())
          .isInstanceOfSatisfying(
              BanEvent.Ban.class, ban -> assertThat(ban.by()).isEqualTo("import"));
    }
  }

  /** A process that was paused meanwhile has not seen that everything was deleted. */
  @Test
  void log_replacedWhilePaused_endsTheProcessWithAMessage() throws Exception {
    try (RunningWatcher only = start("a")) {
      until("leads", only::leads);
      only.probe("203.0.113.60", 3);
      until("banned", () -> bans(only).contains("203.0.113.60"));
      only.freeze();
      String deleted =
          release.kubectl().run("delete", "configmaps", "--selector=ip-sentry.io/log=ip-sentry");
      assertThat(deleted).contains("ip-sentry-manifest");
      try (ClusterLog other =
          new ClusterLog(TestCluster.shared(), release.namespace(), "ip-sentry")) {
        other.ban("203.0.113.61");
        only.thaw();

        assertThat(only.awaitEnd()).isEqualTo(3);

        assertThat(only.log())
            .contains("the ban log ip-sentry")
            .contains("restart, so that everything is read anew");
        // It has put nothing of the old log into the new one.
        other.ban("203.0.113.62");
      }
      only.start();
      // Its access log is read again, and has led to nothing in this log; that comes behind.
      until("banned anew", () -> bans(only).contains("203.0.113.60"));
      assertThat(bans(only)).containsExactly("203.0.113.60", "203.0.113.62", "203.0.113.61");
    }
  }
}
