package io.ipsentry.conformance.soak;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * What was in force when, as somebody knows who makes changes and cannot tell at which moment
 * between their begin and their end they take effect.
 *
 * <p>One thread changes, any may ask. Forgets what was over {@value #REMEMBERED_SECONDS} s ago;
 * nobody may ask about a time before that.
 */
final class Timeline<S> {
  /** A request has been answered, or failed, long before that. */
  private static final long REMEMBERED_SECONDS = 120;

  private final Deque<Stretch<S>> stretches = new ArrayDeque<>();

  /** A state with the begin of the change to it and the end of the change from it. */
  private static final class Stretch<S> {
    final S state;
    final long begin;
    long end = Long.MAX_VALUE;

    Stretch(S state, long begin) {
      this.state = state;
      this.begin = begin;
    }
  }

  /**
   * @param first in force before anything else
   */
  Timeline(S first) {
    stretches.add(new Stretch<>(first, Long.MIN_VALUE));
  }

  /** Where the last change led. */
  synchronized S newest() {
    return stretches.getLast().state;
  }

  /** A change begins. */
  synchronized void begin(S next, long nanos) {
    stretches.add(new Stretch<>(next, nanos));
  }

  /** The change is in force: what was before it is not any more. */
  synchronized void end(long nanos) {
    Iterator<Stretch<S>> all = stretches.iterator();
    while (all.hasNext()) {
      Stretch<S> stretch = all.next();
      if (stretch != stretches.getLast()) {
        if (stretch.end == Long.MAX_VALUE) {
          stretch.end = nanos;
        } else if (nanos - stretch.end > TimeUnit.SECONDS.toNanos(REMEMBERED_SECONDS)) {
          all.remove();
        }
      }
    }
  }

  /** What may have been in force at some moment of a span. */
  synchronized Set<S> possible(long fromNanos, long toNanos) {
    Set<S> states = new HashSet<>();
    for (Stretch<S> stretch : stretches) {
      if (stretch.begin <= toNanos && stretch.end >= fromNanos) {
        states.add(stretch.state);
      }
    }
    return states;
  }
}
