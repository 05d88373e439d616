package io.ipsentry.sink;

import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How far a sink is, as it is stored and known here. Written by one thread; read by any. */
final class StoredPosition {
  private static final Logger logger = LoggerFactory.getLogger(StoredPosition.class);

  private final String sink;
  private final SinkParts parts;
  private Optional<SinkPosition> stored = Optional.empty();
  private boolean loaded;
  private volatile long seq;

  StoredPosition(String sink, SinkParts parts) {
    this.sink = sink;
    this.parts = parts;
    seq = parts.state().head();
  }

  long seq() {
    return seq;
  }

  /** Events behind it. */
  long backlog() {
    return Math.max(0, parts.state().head() - seq);
  }

  /** Reads it, unless that was done; one that is none of this log begins at its head. */
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
      seq = head;
    }
    loaded = true;
    if (!fits) {
      move(head);
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
