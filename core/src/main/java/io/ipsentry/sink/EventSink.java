package io.ipsentry.sink;

import io.ipsentry.ban.SequencedEvent;
import java.time.Duration;
import java.util.List;

/** A sink that is told events, each once as far as it can be, and in order. */
public non-sealed interface EventSink extends BanSink {
  /** Whether it is to be told of this event at all. */
  boolean wants(SequencedEvent event);

  /** Most events that it is handed at once, 1 to 1,000. */
  int maxEvents();

  /** Shortest time between two deliveries; events that come meanwhile are handed over together. */
  Duration interval();

  /**
   * Tells events. A receiver can recognise by their numbers what it is told again.
   *
   * @param events one or more that it wants, in order
   * @return how many of them, from the first on, were taken; 1 or more. The rest is handed over
   *     again, without a pause for {@link #interval}
   * @throws SinkException if not even the first was taken, or it is not known whether it was;
   *     {@code CONTENT}: it is not taken, whatever is tried, and is passed over
   */
  int deliver(List<SequencedEvent> events);

  /** Tells that ip-sentry begins to work, if that is wanted. */
  default void started() {}

  /** Tells that it ends, if that is wanted. */
  default void stopped() {}
}
