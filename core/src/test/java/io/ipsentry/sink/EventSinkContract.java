package io.ipsentry.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.ban.SequencedEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** What every {@link EventSink} promises; an implementation's test extends it. */
public abstract class EventSinkContract {
  /** The sink; the same in each call of a test. */
  protected abstract EventSink sink();

  /** Numbers of the events that the outside was told of, in order. */
  protected abstract List<Long> taken();

  /** The next message fails, and nothing comes of it. */
  protected abstract void failNext();

  @Test
  final void deliver_oneAfterTheOther_tellsThemInOrder() {
    deliverAll(SinkEvents.bans(1, 3));
    deliverAll(SinkEvents.bans(4, 4));

    assertThat(taken()).containsExactly(1L, 2L, 3L, 4L);
  }

  @Test
  final void deliver_many_tellsEachOnce() {
    List<SequencedEvent> many = SinkEvents.bans(1, sink().maxEvents());

    deliverAll(many);

    assertThat(taken())
        .containsExactlyElementsOf(LongStream.rangeClosed(1, sink().maxEvents()).boxed().toList());
  }

  @Test
  final void deliver_failed_isTransientAndCanBeDoneAgain() {
    failNext();
    assertThatThrownBy(() -> sink().deliver(SinkEvents.bans(1, 2)))
        .isInstanceOfSatisfying(
            SinkException.class, e -> assertThat(e.kind()).isEqualTo(SinkException.Kind.TRANSIENT));
    assertThat(taken()).isEmpty();

    deliverAll(SinkEvents.bans(1, 2));

    assertThat(taken()).containsExactly(1L, 2L);
  }

  private void deliverAll(List<SequencedEvent> events) {
    List<SequencedEvent> left = new ArrayList<>(events);
    while (!left.isEmpty()) {
      int count = sink().deliver(List.copyOf(left));
      assertThat(count).isBetween(1, left.size());
      left.subList(0, count).clear();
    }
  }
}
