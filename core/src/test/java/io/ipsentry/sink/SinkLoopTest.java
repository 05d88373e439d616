package io.ipsentry.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class SinkLoopTest {
  private static final Duration SOON = Duration.ofSeconds(30);

  private final SinkWorld world = new SinkWorld();

  /** A sink with a defect in its greeting, and one in its first delivery. */
  private static final class DefectiveSink implements EventSink {
    final List<Long> taken = new CopyOnWriteArrayList<>();
    final AtomicInteger deliveries = new AtomicInteger();
    volatile boolean closed;

    @Override
    public String kind() {
      return "defective";
    }

    @Override
    public boolean wants(SequencedEvent event) {
      return true;
    }

    @Override
    public int maxEvents() {
      return 10;
    }

    @Override
    public Duration interval() {
      return Duration.ZERO;
    }

    @Override
    public void started() {
      throw new IllegalStateException("the greeting");
    }

    @Override
    public int deliver(List<SequencedEvent> events) {
      if (deliveries.incrementAndGet() == 1) {
        throw new IllegalStateException("the first delivery");
      }
      events.forEach(event -> taken.add(event.seq()));
      return events.size();
    }

    @Override
    public void stopped() {
      throw new IllegalStateException("the farewell");
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private void passAMinute(SinkLoop loop) {
    world.pass(Duration.ofMinutes(1));
    loop.wake();
  }

  @Test
  void defects_areToldAndDoNotEndIt() {
    DefectiveSink sink = new DefectiveSink();
    try (SinkLoop loop = SinkLoop.start("people", sink, world.parts())) {
      await().atMost(SOON).until(() -> loop.status().problem().contains("the greeting"));
      world.append(SinkEvents.ban(IpPrefix.ofV4(0xcb00_7100), world.now(), null));
      passAMinute(loop);
      await().atMost(SOON).until(() -> loop.status().problem().contains("the first delivery"));
      assertThat(sink.taken).isEmpty();
      passAMinute(loop);
      await().atMost(SOON).until(() -> loop.status().problem().isEmpty());
      assertThat(sink.taken).containsExactly(1L);
      assertThat(loop.status().failures()).isEqualTo(2);
    }
    assertThat(sink.closed).isTrue();
  }
}
