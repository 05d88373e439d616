package io.ipsentry.conformance.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.cluster.ReleaseInCluster;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** In a cluster the leader tells the outside, and the next one goes on where it stopped. */
@RequiresCluster
final class SinksInClusterIT {
  @TempDir private Path directory;
  private final Outside outside = new Outside();
  private final ReleaseInCluster release = ReleaseInCluster.in(TestCluster.shared());

  SinksInClusterIT() throws IOException {}

  @AfterEach
  void close() {
    outside.close();
  }

  private RunningWatcher start(String name) throws IOException {
    Path token = Files.writeString(directory.resolve("token"), "SeCrEtMarker0123456789abcdef");
    return release.watcher(
        directory.resolve(name),
        "3s",
        """
        sinks:
          - { name: edge, cloudflare: { zone: %s, tokenFile: %s, api: "%s/client/v4" } }
          - { name: hook, webhook: { url: "%s/hook", interval: 0s } }
        """
            .formatted(Outside.ZONE, token, outside.url(), outside.url()));
  }

  private static void ban(RunningWatcher watcher, int from, int to) {
    for (int i = from; i <= to; i++) {
      assertThat(watcher.command("ban", "203.0.113." + i).exitCode()).isZero();
    }
  }

  @Test
  void watchers_leaderKilled_theNextGoesOnAtItsPosition() throws Exception {
    try (RunningWatcher first = start("a")) {
      await("the first leads").atMost(RunningIpSentry.PATIENCE).until(first::leads);
      await("its sinks").atMost(RunningIpSentry.PATIENCE).until(() -> has(first));
      try (RunningWatcher second = start("b")) {
        ban(first, 1, 2);
        toldUpTo(2);
        assertThat(has(second)).as("a standby tells nobody").isFalse();
        await("position")
            .atMost(RunningIpSentry.PATIENCE)
            .untilAsserted(() ->
                assertThat(
                        release
                            .kubectl()
                            .run("get", "cm", "ip-sentry-sinks", "-o", "jsonpath={.data.hook}"))
                    .startsWith("2 "));

        // The leader cannot tell any more, bans go on, and it is killed.
        outside.stall(true);
        ban(first, 3, 5);
        assertThat(first.kill()).isNotZero();
        outside.stall(false);
        await("the second leads").atMost(RunningIpSentry.PATIENCE).until(second::leads);
        ban(second, 6, 6);

        toldUpTo(6);
        assertThat(Collections.frequency(outside.hooked(), 1L)).isEqualTo(1);
        assertThat(second.stop()).isZero();
      }
    }
  }

  private static boolean has(RunningWatcher watcher) {
    return watcher.metrics().contains("ip_sentry_sink_position{");
  }

  /** Each event once; those that were on their way when the leader was killed perhaps twice. */
  private void toldUpTo(int last) {
    await("told up to " + last)
        .atMost(RunningIpSentry.PATIENCE)
        .untilAsserted(() -> {
          List<Long> told = outside.hooked();
          List<Long> all = LongStream.rangeClosed(1, last).boxed().toList();
          assertThat(told).containsAll(all);
          assertThat(told).allMatch(seq -> Collections.frequency(told, seq) <= 2);
          assertThat(outside.ruled()).hasSize(last);
          assertThat(outside.count()).isEqualTo(last);
        });
  }
}
