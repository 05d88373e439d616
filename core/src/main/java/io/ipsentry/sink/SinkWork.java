package io.ipsentry.sink;

import java.time.Duration;

/** Brings one sink on. Confined to one thread, {@link #status} aside. */
interface SinkWork {
  /** Longest time that nothing is looked at. */
  Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /** Does what is due, one call of the sink at most; returns when to be called again. */
  Duration step();

  /** Tells the sink that it begins. */
  void begin();

  /** Tells the sink that it ends, and stores how far it is. */
  void end();

  /** It threw this, which is a defect: it is called again, after a pause. */
  void noteDefect(RuntimeException defect);

  SinkStatus status();
}
