package io.ipsentry.kubernetes.leader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.config.ClusterStoreConfig.LeaderConfig;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TcpProxy;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Who leads, on a real API server; with the Lease, the renewals and the looks of every process. */
@RequiresCluster
final class LeadershipIT {
  private static final LeaseTimes TIMES = LeaseTimes.of(Duration.ofSeconds(3));
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final String RELEASE = "edge";

  private final TestCluster cluster = TestCluster.shared();
  private final String namespace = cluster.newNamespace();

  /** Duties that know when they ended last. */
  private static final class Recorded implements Leadership.Duties {
    private final AtomicInteger on = new AtomicInteger();
    private final AtomicInteger begun = new AtomicInteger();
    private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
    private volatile long endedNanos;

    @Override
    public void begin() {
      begun.incrementAndGet();
      on.incrementAndGet();
      RuntimeException failing = failure.getAndSet(null);
      if (failing != null) {
        throw failing;
      }
    }

    @Override
    public void end() {
      endedNanos = System.nanoTime();
      on.decrementAndGet();
    }

    boolean areOn() {
      return on.get() == 1;
    }
  }

  private ClusterConnection connect(Path kubeconfig) {
    return ClusterConnection.open(
        new ClusterStoreConfig(
            RELEASE,
            Optional.of(namespace),
            Optional.of(kubeconfig),
            Optional.empty(),
            LeaderConfig.DEFAULT));
  }

  private Leadership start(
      ClusterConnection connection, String identity, Recorded duties, InstantSource clock) {
    return Leadership.of(
            connection, RELEASE, identity, Optional.of("192.0.2.1:9004"), TIMES, duties, clock)
        .start();
  }

  private static void until(String what, Callable<Boolean> condition) {
    await(what).atMost(SOON).pollInterval(Duration.ofMillis(20)).until(condition);
  }

  @Test
  void close_leader_isFollowedWithinTheRetryPeriod() {
    Recorded first = new Recorded();
    Recorded second = new Recorded();
    try (ClusterConnection connection = connect(cluster.kubeconfig());
        LeaderLease lease = LeaderLease.start(connection, RELEASE)) {
      Leadership one = start(connection, "one", first, InstantSource.system());
      until("one leads", first::areOn);
      try (Leadership two = start(connection, "two", second, InstantSource.system())) {
        until("two knows", () -> two.leader().isPresent());
        assertThat(two.leader()).contains(new Leader("one", Optional.of("192.0.2.1:9004"), false));
        one.close();
        assertThat(first.areOn()).isFalse();
        long closed = System.nanoTime();
        until("two leads", second::areOn);
        System.out.printf(
            "takeover after the Lease was given back: %d ms (retry %d ms)%n",
            (System.nanoTime() - closed) / 1_000_000, TIMES.retry().toMillis());
        lease.lookSoon();
        until("others know", () -> identity(lease.leader()).equals("two"));
      }
      lease.lookSoon();
      until("others know that nobody leads", () -> lease.leader().isEmpty());
    }
  }

  private static String identity(Optional<Leader> leader) {
    return leader.map(Leader::identity).orElse("");
  }

  @Test
  void apiServer_cutOffAndBack_endsDutiesInTimeAndLeadsAgain() {
    Recorded duties = new Recorded();
    try (TcpProxy proxy = cluster.proxy();
        ClusterConnection connection = connect(cluster.kubeconfig(proxy));
        Leadership only = start(connection, "only", duties, InstantSource.system())) {
      for (int round = 1; round <= 3; round++) {
        until("leads", duties::areOn);
        boolean stalled = round == 2;
        long cut = System.nanoTime();
        if (stalled) {
          proxy.stall();
        } else {
          proxy.loseReplies();
        }
        until("leads no more", () -> !duties.areOn());
        long took = (duties.endedNanos - cut) / 1_000_000;
        System.out.printf(
            "duties ended %d ms after the API server was %s (deadline %d ms)%n",
            took, stalled ? "frozen" : "cut off", TIMES.renewDeadline().toMillis());
        // The deadline counts from the last renewal before; a slow machine may be late to notice.
        assertThat(took).isLessThan(TIMES.lease().toMillis());
        assertThat(only.leader()).isEmpty();
        proxy.restore();
      }
      until("leads", duties::areOn);
      assertThat(duties.begun.get()).isEqualTo(4);
      assertThat(only.terms()).isEqualTo(4);
    }
  }

  @Test
  void lease_writtenByAPerson_isObeyedAndTakenBack() {
    Recorded duties = new Recorded();
    try (ClusterConnection connection = connect(cluster.kubeconfig());
        Leadership only = start(connection, "only", duties, InstantSource.system())) {
      until("leads", duties::areOn);
      kubectl(
          "patch",
          "lease",
          "edge-watcher",
          "--type=merge",
          "-p",
          "{\"spec\":{\"holderIdentity\":\"me\",\"renewTime\":\"2099-01-01T00:00:00.000000Z\","
              + "\"leaseDurationSeconds\":null}}");
      until("stands by", () -> !duties.areOn() && identity(only.leader()).equals("me"));
      until("leads again", duties::areOn);
      kubectl("patch", "lease", "edge-watcher", "--type=merge", "-p", "{\"spec\":null}");
      until("a Lease that says nothing is taken", () -> duties.begun.get() >= 2 && duties.areOn());
      kubectl("delete", "lease", "edge-watcher");
      until(
          "a Lease that is gone is made again",
          () ->
              kubectl("get", "lease", "edge-watcher", "--ignore-not-found", "-o", "name")
                  .contains("edge-watcher"));
      until("leads", duties::areOn);
    }
  }

  @Test
  void clock_steppedByAnHour_changesNothing() {
    AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ofHours(1));
    InstantSource stepping = () -> Instant.now().plus(ahead.get());
    Recorded first = new Recorded();
    Recorded second = new Recorded();
    try (ClusterConnection connection = connect(cluster.kubeconfig())) {
      Leadership one = start(connection, "one", first, stepping);
      until("one leads", first::areOn);
      try (Leadership two = start(connection, "two", second, InstantSource.system())) {
        until("two knows", () -> two.leader().isPresent());
        ahead.set(Duration.ofHours(-1));
        until("written an hour ago", () -> kubectlRenewedBefore(Duration.ofMinutes(30)));
        assertThat(first.begun.get()).isEqualTo(1);
        assertThat(second.begun.get()).isZero();
        ahead.set(Duration.ofHours(1));
        until("written an hour from now", () -> !kubectlRenewedBefore(Duration.ofMinutes(-30)));
        one.close();
        until("two leads", second::areOn);
      }
    }
  }

  private boolean kubectlRenewedBefore(Duration ago) {
    String renewed = kubectl("get", "lease", "edge-watcher", "-o", "jsonpath={.spec.renewTime}");
    return Instant.parse(renewed).isBefore(Instant.now().minus(ago));
  }

  @Test
  void begin_fails_isLeftToAnother() {
    Recorded first = new Recorded();
    Recorded second = new Recorded();
    first.failure.set(new IllegalStateException("no disk"));
    try (ClusterConnection connection = connect(cluster.kubeconfig());
        Leadership one = start(connection, "one", first, InstantSource.system())) {
      until("one has tried", () -> first.begun.get() == 1 && !first.areOn());
      try (Leadership two = start(connection, "two", second, InstantSource.system())) {
        until("two leads", second::areOn);
        two.resign("tired");
        until("one leads", first::areOn);
        assertThat(second.areOn()).isFalse();
        assertThat(one.terms()).isEqualTo(2);
      }
    }
  }

  private String kubectl(String... arguments) {
    return cluster.kubectl().with("--namespace=" + namespace).run(arguments);
  }
}
