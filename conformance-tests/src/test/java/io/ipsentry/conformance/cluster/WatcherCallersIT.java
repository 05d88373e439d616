package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * People with kubeconfigs at {@code ip-sentry watcher} processes on a real API server, with the
 * roles of {@code docs/examples/cluster-rbac.yaml}.
 */
@RequiresCluster
final class WatcherCallersIT {
  private static final Duration SOON = Duration.ofSeconds(60);

  private final ReleaseInCluster release = ReleaseInCluster.in(TestCluster.shared());

  @TempDir private Path directory;

  private RunningWatcher start(String name) {
    return release.watcher(directory.resolve(name), "3s", "rules: []\n");
  }

  /** A person with one of the roles in the namespace of the release; returns his kubeconfig. */
  private Path person(String name, String clusterRole) {
    String account = release.kubectl().run("create", "serviceaccount", name);
    String bound =
        release
            .kubectl()
            .run(
                "create",
                "rolebinding",
                name,
                "--clusterrole=" + clusterRole,
                "--serviceaccount=" + release.namespace() + ":" + name);
    assertThat(account + bound).contains("created");
    return release.kubeconfig(directory, name);
  }

  private static IpSentry.Result at(RunningWatcher watcher, Path me, String... command) {
    List<String> all = new ArrayList<>(List.of(command));
    all.addAll(List.of("--server", watcher.address(), "--insecure", "--kubeconfig", me.toString()));
    return IpSentry.run(all.toArray(String[]::new));
  }

  private static List<String> authors(RunningWatcher watcher) {
    return watcher.history().stream().map(SequencedEvent::event).map(event -> event.by()).toList();
  }

  @Test
  void people_atAStandby_haveTheirRolesAndReadWhatTheyWrote() throws Exception {
    Path operator = person("operator", "ip-sentry-operator");
    Path viewer = person("viewer", "ip-sentry-viewer");
    String name = "system:serviceaccount:" + release.namespace() + ":operator";
    try (RunningWatcher leader = start("a")) {
      await("the first leads").atMost(SOON).until(leader::leads);
      try (RunningWatcher standby = start("b")) {
        IpSentry.Result banned = at(standby, operator, "ban", "203.0.113.7");
        assertThat(banned.exitCode()).as(banned.err()).isZero();
        assertThat(at(standby, viewer, "get", "203.0.113.7").exitCode()).isZero();
        assertThat(authors(standby)).containsExactly(name);
        assertThat(authors(leader)).containsExactly(name);

        IpSentry.Result refused = at(standby, viewer, "unban", "203.0.113.7");
        assertThat(refused.exitCode()).isEqualTo(3);
        assertThat(refused.err()).contains("may not delete bans.ip-sentry.io");

        // Nobody leads for a while: the change waits for the next, which is this one.
        assertThat(leader.kill()).isNotZero();
        IpSentry.Result unbanned = at(standby, operator, "unban", "203.0.113.7");
        assertThat(unbanned.exitCode()).as(unbanned.err()).isZero();
        assertThat(standby.leads()).isTrue();
        assertThat(authors(standby)).containsExactly(name, name);
      }
    }
  }
}
