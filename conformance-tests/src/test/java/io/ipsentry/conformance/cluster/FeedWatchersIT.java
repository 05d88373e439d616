package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.BanEvent;
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
