package io.ipsentry.watcher.sink.call;

import java.time.Duration;

/** Lets time pass. */
@FunctionalInterface
public interface Waiting {
  /** On the thread that calls. */
  Waiting ASLEEP = time -> Thread.sleep(time);

  /**
   * Returns when the time is over.
   *
   * @throws InterruptedException if the thread is interrupted meanwhile
   */
  void await(Duration time) throws InterruptedException;
}
