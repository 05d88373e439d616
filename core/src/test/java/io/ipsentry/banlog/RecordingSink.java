package io.ipsentry.banlog;

import io.ipsentry.ban.SequencedEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A sink that keeps what it is told; safe for any thread. */
public final class RecordingSink implements BanLog.Sink {
  private final List<SequencedEvent> events = new ArrayList<>();
  private final Consumer<List<SequencedEvent>> then;
  private @Nullable RuntimeException failure;

  /** Keeps everything. */
  public RecordingSink() {
    this(events -> {});
  }

  /** Keeps everything, and shows it to somebody else then. */
  public RecordingSink(Consumer<List<SequencedEvent>> then) {
    this.then = then;
  }

  @Override
  public void events(List<SequencedEvent> batch) {
    synchronized (this) {
      events.addAll(batch);
    }
    then.accept(batch);
  }

  @Override
  public synchronized void failed(RuntimeException cause) {
    if (failure != null) {
      throw new IllegalStateException("told twice that it failed", cause);
    }
    failure = cause;
  }

  /** What came so far. */
  public synchronized List<SequencedEvent> events() {
    return List.copyOf(events);
  }

  /** Why it ended, if it did. */
  public synchronized @Nullable RuntimeException failure() {
    return failure;
  }
}
