package io.ipsentry.sink;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A sink that keeps what it is told, with failures on demand. */
final class FakeEventSink implements EventSink {
  final List<Long> taken = new ArrayList<>();
  final List<Integer> sizes = new ArrayList<>();
  final Deque<SinkException> failures = new ArrayDeque<>();
  final Deque<SinkException> lostAnswers = new ArrayDeque<>();
  Duration interval = Duration.ZERO;
  int takesAtOnce = Integer.MAX_VALUE;
  int calls;
  private @Nullable SinkException outage;

  void outage(@Nullable SinkException e) {
    outage = e;
  }

  @Override
  public String kind() {
    return "fake";
  }

  @Override
  public boolean wants(SequencedEvent event) {
    return !(event.event() instanceof BanEvent.Allow);
  }

  @Override
  public int maxEvents() {
    return 100;
  }

  @Override
  public Duration interval() {
    return interval;
  }

  @Override
  public int deliver(List<SequencedEvent> events) {
    calls++;
    SinkException now = outage != null ? outage : failures.poll();
    if (now != null) {
      throw now;
    }
    int count = Math.min(events.size(), takesAtOnce);
    sizes.add(count);
    events.stream().limit(count).forEach(event -> taken.add(event.seq()));
    SinkException lost = lostAnswers.poll();
    if (lost != null) {
      throw lost;
    }
    return count;
  }

  @Override
  public void close() {}
}
