package io.ipsentry.kubernetes.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.kubernetes.api.ConfigMaps.Change;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class WatchedChangesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static String added(int number, String lines) {
    return """
    {"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"e-%1$d","uid":"u-%1$d","resourceVersion":"%1$d"},"data":{"lines":"%2$s"}}}
    """
        .formatted(number, lines);
  }

  private static String watch(int count, String lines) {
    return IntStream.rangeClosed(1, count)
        .mapToObj(i -> added(i, lines))
        .collect(Collectors.joining());
  }

  private static WatchedChanges reading(String answer) {
    return WatchedChanges.of(
        "0", new ByteArrayInputStream(answer.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void await_largeObjects_fewWaitAtOnceAndAllCome() {
    int size = 200_000;
    int count = 60;
    List<String> names = new ArrayList<>();
    try (WatchedChanges changes = reading(watch(count, "x".repeat(size)))) {
      while (names.size() < count) {
        List<Change> some = changes.await(PATIENCE);
        // One that is begun below the limit may go beyond it.
        assertThat((some.size() - 1) * (long) size).isLessThan(WatchedChanges.MAX_WAITING_SIZE);
        some.forEach(change -> names.add(change.map().name()));
        assertThat(changes.version()).isEqualTo(some.getLast().map().version());
      }
    }

    assertThat(names).isEqualTo(IntStream.rangeClosed(1, count).mapToObj(i -> "e-" + i).toList());
  }

  @Test
  void await_oneLargerThanTheLimit_comes() {
    String large = "x".repeat((int) WatchedChanges.MAX_WAITING_SIZE + 1);
    try (WatchedChanges changes = reading(watch(2, large))) {
      assertThat(changes.await(PATIENCE)).hasSize(1);
      assertThat(changes.await(PATIENCE)).hasSize(1);
    }
  }
}
