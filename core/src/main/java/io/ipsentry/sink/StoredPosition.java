package io.ipsentry.sink;

import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How far a sink is, as it is stored and known here. Written by one thread; read by any. */
final class StoredPosition {
  private static final Logger logger = LoggerFactory.getLogger(StoredPosition.class);

  private final String sink;
  private final SinkParts parts;
  private final long begun;
  private Optional<SinkPosition> stored = Optional.empty();
  private boolean loaded;
  private volatile long seq;

  StoredPosition(String sink, SinkParts parts) {
    this.sink = sink;
    this.parts = parts;
    begun = parts.state().head();
    seq = begun;
  }

  long seq() {
    return seq;
  }

  /** Events behind it. */
  long backlog() {
    return Math.max(0, parts.state().head() - seq);
  }

  /**
   * Reads it, unless that was done. One that is none of this log begins where the log was when the
   * sink was made: what comes while it is still greeting, or while nobody answers, is told.
   */
  void load() {
    if (loaded) {
      return;
    }
    stored = parts.positions().load(sink);
    String log = parts.log().id();
    long head = parts.state().head();
    boolean fits =
        stored.filter(at -> at.logId().equals(log)).filter(at -> at.seq() <= head).isPresent();
    if (fits) {
      seq = stored.orElseThrow().seq();
    } else {
      if (stored.isPresent()) {
        logger
            .atWarn()
            .addKeyValue("sink", sink)
            .addKeyValue("position", stored.get().seq())
            .addKeyValue("head", head)
            .log("the position of the sink is that of another log; it begins with the next event");
      }
      seq = begun;
    }
    loaded = true;
    if (!fits) {
      move(begun);
    }
  }

  /** Moves it and stores that; if another process has moved it meanwhile, takes up theirs. */
  void move(long to) {
    SinkPosition next = new SinkPosition(to, parts.log().id());
    if (stored.filter(next::equals).isPresent()) {
      seq = to;
      return;
    }
    // Until it is known that it is stored, the next try begins with a look.
    loaded = false;
    if (parts.positions().move(sink, stored, next)) {
      stored = Optional.of(next);
      seq = to;
      loaded = true;
    }
  }

  /** Moves it here only. */
  void advance(long to) {
    seq = to;
  }
}
