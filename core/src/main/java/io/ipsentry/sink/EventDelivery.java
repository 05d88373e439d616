package io.ipsentry.sink;

import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.CompactedException;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells an {@link EventSink} the events of the log behind its position. Nothing is kept here: what
 * was not taken is read again.
 */
final class EventDelivery implements SinkWork {
  /** Events that are read at once. */
  private static final int READ_BATCH = 1_000;

  private static final Logger logger = LoggerFactory.getLogger(EventDelivery.class);

  private final String name;
  private final EventSink sink;
  private final SinkParts parts;
  private final SinkHealth health;
  private final StoredPosition position;
  private long nextAt;
  private volatile long passedOver;

  EventDelivery(String name, EventSink sink, SinkParts parts) {
    this.name = name;
    this.sink = sink;
    this.parts = parts;
    health = new SinkHealth(name, parts);
    position = new StoredPosition(name, parts);
    nextAt = parts.nanoTime().getAsLong();
  }

  @Override
  public void begin() {
    try {
      sink.started();
    } catch (SinkException e) {
      health.failed(e);
    }
  }

  @Override
  public void end() {
    if (health.isFailing()) {
      return;
    }
    try {
      sink.stopped();
    } catch (SinkException e) {
      health.failed(e);
    }
  }

  @Override
  public Duration step() {
    Duration pause = health.pause();
    if (!pause.isZero()) {
      return pause;
    }
    try {
      position.load();
      return deliver();
    } catch (BanLogException e) {
      health.failed("the log or the position cannot be read: " + e.getMessage(), null);
    } catch (SinkException e) {
      health.failed(e);
    }
    return health.pause();
  }

  private Duration deliver() {
    long early = nextAt - parts.nanoTime().getAsLong();
    if (early > 0) {
      return Duration.ofNanos(early);
    }
    if (position.backlog() == 0) {
      return LONGEST_PAUSE;
    }
    List<SequencedEvent> read;
    try {
      read = parts.log().read(position.seq() + 1, READ_BATCH);
    } catch (CompactedException e) {
      passOver(e.firstKept());
      return Duration.ZERO;
    }
    if (read.isEmpty()) {
      return LONGEST_PAUSE;
    }
    List<SequencedEvent> wanted =
        read.stream().filter(sink::wants).limit(sink.maxEvents()).toList();
    if (wanted.isEmpty()) {
      position.move(read.getLast().seq());
      return Duration.ZERO;
    }
    int taken;
    try {
      taken = sink.deliver(wanted);
      health.succeeded(taken);
    } catch (SinkException e) {
      if (e.kind() != SinkException.Kind.CONTENT) {
        throw e;
      }
      taken = 1;
      refused(wanted.getFirst().seq(), e);
    }
    boolean all = taken == wanted.size();
    boolean wholeBatch = all && wanted.size() < sink.maxEvents();
    if (all) {
      nextAt = parts.nanoTime().getAsLong() + sink.interval().toNanos();
    }
    position.move(wholeBatch ? read.getLast().seq() : wanted.get(taken - 1).seq());
    return Duration.ZERO;
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  private void refused(long seq, SinkException e) {
    passedOver++;
    health.note(String.valueOf(e.getMessage()));
    logger
        .atError()
        .addKeyValue("sink", name)
        .addKeyValue("seq", seq)
        .addKeyValue("cause", e.getMessage())
        .log("a sink does not take an event, and is not told of it again");
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
  private void passOver(long firstKept) {
    long lost = firstKept - 1 - position.seq();
    passedOver += lost;
    logger
        .atError()
        .addKeyValue("sink", name)
        .addKeyValue("events", lost)
        .addKeyValue("firstKept", firstKept)
        .log("a sink was away for longer than events are kept, and is not told of those before");
    position.move(firstKept - 1);
  }

  @Override
  public void noteDefect(RuntimeException defect) {
    health.noteDefect(defect);
  }

  @Override
  public SinkStatus status() {
    return new SinkStatus(
        name,
        sink.kind(),
        position.seq(),
        position.backlog(),
        0,
        0,
        0,
        health.delivered(),
        passedOver,
        health.failures(),
        health.problem(),
        health.lastError(),
        health.lastErrorAt(),
        health.lastDone());
  }
}
