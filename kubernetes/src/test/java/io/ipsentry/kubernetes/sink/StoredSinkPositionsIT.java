package io.ipsentry.kubernetes.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.sink.StoredSinkPositions.Position;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Positions of sinks on a real API server. */
@RequiresCluster
final class StoredSinkPositionsIT {
  private static final int WRITERS = 3;
  private static final int MOVES = 10;

  private final TestCluster cluster = TestCluster.shared();

  @Test
  void move_severalLeadersAndSinks_eachStepIsTakenByOne() throws Exception {
    try (KubernetesClient client = ClusterClient.of(cluster, cluster.newNamespace());
        ExecutorService threads = Executors.newFixedThreadPool(WRITERS)) {
      StoredSinkPositions positions =
          new StoredSinkPositions(new ClusterConfigMaps(client), "edge");
      AtomicInteger moved = new AtomicInteger();
      List<Callable<Void>> leaders =
          IntStream.range(0, WRITERS)
              .mapToObj(i -> (Callable<Void>) () -> leader(positions, moved))
              .toList();
      for (Future<Void> leader : threads.invokeAll(leaders)) {
        assertThat(leader.get()).isNull();
      }
      assertThat(moved.get()).isEqualTo(MOVES);
      assertThat(positions.get("telegram").seq()).isEqualTo(MOVES);
    }
  }

  private static Void leader(StoredSinkPositions positions, AtomicInteger moved) {
    for (Position at = positions.get("telegram");
        at.seq() < MOVES;
        at = positions.get("telegram")) {
      if (positions.move("telegram", at, new Position(at.seq() + 1, ""))) {
        moved.incrementAndGet();
      }
    }
    return null;
  }

  @Test
  void move_state_isKeptAndAStaleMoverNotices() {
    try (KubernetesClient client = ClusterClient.of(cluster, cluster.newNamespace())) {
      StoredSinkPositions positions =
          new StoredSinkPositions(new ClusterConfigMaps(client), "edge");
      Position next = new Position(7, "cursor=a b\nc");
      assertThat(positions.get("cloudflare")).isEqualTo(Position.START);
      assertThat(positions.move("cloudflare", Position.START, next)).isTrue();
      assertThat(positions.get("cloudflare")).isEqualTo(next);
      assertThat(positions.move("cloudflare", Position.START, new Position(1, ""))).isFalse();
      assertThat(positions.move("webhook", Position.START, new Position(2, ""))).isTrue();
      assertThat(positions.get("cloudflare")).isEqualTo(next);
      assertThatThrownBy(() -> positions.get("no/name"))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
