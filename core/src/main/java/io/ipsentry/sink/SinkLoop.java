package io.ipsentry.sink;

import java.time.Duration;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a sink on, on a thread of its own, until it is closed. Nobody waits for it. Safe for any
 * thread.
 */
public final class SinkLoop implements AutoCloseable {
  /** What a sink is granted to end with, a last message and its position. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(3);

  /** A call that does not heed its interrupt is left behind. */
  private static final Duration LONGEST_END = Duration.ofSeconds(2);

  private static final Logger logger = LoggerFactory.getLogger(SinkLoop.class);

  private final String name;
  private final BanSink sink;
  private final SinkWork work;
  private final Thread thread;
  private final Object lock = new Object();
  private boolean woken;
  private boolean stopped;

  private SinkLoop(String name, BanSink sink, SinkParts parts) {
    this.name = name;
    this.sink = sink;
    work =
        switch (sink) {
          case StateSink state -> new StateReconciliation(name, state, parts);
          case EventSink events -> new EventDelivery(name, events, parts);
        };
    thread = Thread.ofVirtual().name("sink-" + name).unstarted(this::run);
  }

  /**
   * Begins.
   *
   * @param sink closed when it has ended
   */
  public static SinkLoop start(String name, BanSink sink, SinkParts parts) {
    SinkLoop loop = new SinkLoop(name, sink, parts);
    loop.thread.start();
    return loop;
  }

  /** How it goes. */
  public SinkStatus status() {
    return work.status();
  }

  /** Tells that the log has gone on. Does not wait. */
  public void wake() {
    synchronized (lock) {
      woken = true;
      lock.notifyAll();
    }
  }

  private void run() {
    try {
      Duration pause =
          carryOut(() -> {
            work.begin();
            return Duration.ZERO;
          });
      while (!isStopped()) {
        await(pause);
        pause = carryOut(work::step);
      }
      Duration ignored =
          carryOut(() -> {
            work.end();
            return Duration.ZERO;
          });
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      sink.close();
    }
  }

  private Duration carryOut(Supplier<Duration> part) {
    try {
      return part.get();
    } catch (RuntimeException e) { // a defect in one sink must not end it, nor the others
      logger.atError().setCause(e).addKeyValue("sink", name).log("a sink has a defect");
      work.noteDefect(e);
      return Duration.ZERO;
    }
  }

  private boolean isStopped() {
    synchronized (lock) {
      return stopped;
    }
  }

  private void await(Duration pause) throws InterruptedException {
    long end = System.nanoTime() + pause.toNanos();
    synchronized (lock) {
      for (long left = pause.toNanos(); !stopped && !woken && left > 0; ) {
        lock.wait(left / 1_000_000, (int) (left % 1_000_000));
        left = end - System.nanoTime();
      }
      woken = false;
    }
  }

  /** Ends it soon; does not wait for that. */
  public void stop() {
    synchronized (lock) {
      stopped = true;
      lock.notifyAll();
    }
  }

  /** Ends it, after a call that is under way, if that ends soon. */
  @Override
  public void close() {
    stop();
    try {
      if (!thread.join(LAST_WORDS)) {
        thread.interrupt();
        if (!thread.join(LONGEST_END)) {
          logger.atWarn().addKeyValue("sink", name).log("a sink does not end its call");
        }
      }
    } catch (InterruptedException e) {
      thread.interrupt();
      Thread.currentThread().interrupt();
    }
  }
}
