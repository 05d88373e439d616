package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.ListServer;
import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Feeds that the leader of a cluster fetches, and everybody has. */
@RequiresCluster
final class FeedWatchersIT {
  private static final Duration SOON = Duration.ofSeconds(60);

  private final ReleaseInCluster release = ReleaseInCluster.in(TestCluster.shared());

  @TempDir private Path directory;

  private static void until(String what, Callable<Boolean> condition) {
    await(what).atMost(SOON).pollInterval(Duration.ofMillis(50)).until(condition);
  }

  @Test
  void leader_killed_successorFetchesNothingThatIsKnown() throws Exception {
    try (ListServer lists =
        ListServer.start()
            .list("/drop", "203.0.113.0/28\n2001:db8:bad::/48\n")
            .list("/suspects", "203.0.113.77\n")) {
      String feeds =
          """
          rules:
            - { name: probing, match: { paths: ['^/\\.env'] }, threshold: 4, window: 2m, ban: 24h }
          feeds:
            - { name: drop-list, url: "%s", every: 6h }
            - { name: suspects, url: "%s", every: 6h, action: tag }
          """
              .formatted(lists.url("/drop"), lists.url("/suspects"));
      Path own = directory.resolve("authz");
      String followed = release.followedStore(own);
      try (RunningWatcher first = release.watcher(directory.resolve("a"), "3s", feeds)) {
        until("the first leads", first::leads);
        until("fetched", () -> announced(first) == 2 && lists.requests() == 2);
        try (RunningAuthzServer server =
                RunningAuthzServer.start(
                    own,
                    List.of(),
                    "rules: [{ name: other, on: request, match: { paths: ['^/x'] }, threshold: 9"
                        + " }]\n"
                        + followed);
            RunningWatcher second = release.watcher(directory.resolve("b"), "3s", feeds)) {
          until("followed", () -> server.ask("203.0.113.9", "/") == 403);
          assertThat(first.kill()).isNotZero();
          until("the second leads", second::leads);
          until(
              "what was kept is in force",
              () -> second.metric("ip_sentry_feed_entries{feed=\"suspects\"}").orElse(0) == 1);
          assertThat(server.ask("203.0.113.9", "/")).isEqualTo(403);
          second.probe("203.0.113.77", 2);
          until(
              "the tag is known to the successor",
              () -> second.command("get", "203.0.113.77").exitCode() == 0);
          assertThat(lists.requests()).as("requests for the lists").isEqualTo(2);
          assertThat(announced(second)).isEqualTo(2);
          assertThat(second.command("status").out()).contains("drop-list", "suspects");
          assertThat(second.stop()).isZero();
        }
      }
    }
  }

  @Test
  void leader_rangesOfACdn_areProtectedAndTrustedEverywhere() throws Exception {
    try (ListServer lists =
        ListServer.start()
            .list("/ips-v4", "198.51.100.0/24\n192.0.2.0/25\n203.0.113.64/26\n")
            .list("/ips-v6", "2001:db8:cd::/48\n")) {
      String feeds =
          """
          feeds:
            - { name: edge-v4, url: "%s", every: 24h, action: protect, network: cloudflare }
            - { name: edge-v6, url: "%s", every: 24h, action: protect, network: cloudflare }
          """
              .formatted(lists.url("/ips-v4"), lists.url("/ips-v6"));
      Path own = directory.resolve("authz");
      String followed = release.followedStore(own);
      try (RunningWatcher first = release.watcher(directory.resolve("a"), "3s", feeds)) {
        until("the first leads", first::leads);
        until("told to everybody", this::isCdnTold);
        assertThat(first.command("ban", "198.51.100.7").err())
            .contains("CDN range 198.51.100.0/24 (edge-v4)");
        assertThat(first.command("status").out()).contains("edge-v6", "protect");
        assertThat(first.ban("203.0.113.9")).isPresent();
        try (RunningAuthzServer server =
                RunningAuthzServer.start(
                    own, List.of(), feeds + followed, "127.0.0.1, cloudflare");
            RunningWatcher second = release.watcher(directory.resolve("b"), "3s", feeds)) {
          until(
              "behind an edge that no dated list has",
              () -> server.ask("203.0.113.9, 198.51.100.7", "/") == 403);
          assertThat(server.ask("203.0.113.9, 203.0.113.8", "/")).as("not an edge").isEqualTo(200);
          // Nobody's list any more: what is known holds, also for who leads next.
          lists.list("/ips-v4", "").list("/ips-v6", "::/0\n");
          assertThat(first.kill()).isNotZero();
          until("the second leads", second::leads);
          IpSentry.Result refused = second.command("ban", "2001:db8:cd::7");
          assertThat(refused.exitCode()).isEqualTo(1);
          assertThat(refused.err()).contains("CDN range 2001:db8:cd::/48 (edge-v6)");
          assertThat(isCdnTold()).isTrue();
          assertThat(lists.requests()).as("requests for the lists").isEqualTo(2);
          assertThat(server.ask("203.0.113.9, 198.51.100.7", "/")).isEqualTo(403);
          assertThat(second.stop()).isZero();
        }
      }
    }
  }

  /** Whether everybody in the cluster can know of the ranges. */
  private boolean isCdnTold() {
    String told =
        release
            .kubectl()
            .attempt("get", "configmap", "ip-sentry-protected", "-o", "jsonpath={.data}")
            .out();
    return told.contains("198.51.100.0/24 cdn edge-v4")
        && told.contains("2001:db8:cd::/48 cdn edge-v6");
  }

  /** Prefixes that the log says of the feed; 0: it says nothing. Fails if it was told twice. */
  private static int announced(RunningWatcher watcher) {
    List<BanEvent.Feed> events =
        watcher.history().stream()
            .map(event -> event.event())
            .filter(BanEvent.Feed.class::isInstance)
            .map(BanEvent.Feed.class::cast)
            .toList();
    assertThat(events).hasSizeLessThan(2);
    return events.isEmpty() ? 0 : events.getFirst().entries();
  }
}
