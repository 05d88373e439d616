package io.ipsentry.sink;

import java.time.Duration;

/** A sink that works on the thread and by the clock of a test. */
public final class SteppedSink {
  private final SinkWorld world;
  private final SinkWork work;

  /** One of the world's. */
  public SteppedSink(SinkWorld world, String name, BanSink sink) {
    this.world = world;
    work =
        switch (sink) {
          case StateSink state -> new StateReconciliation(name, state, world.parts());
          case EventSink events -> new EventDelivery(name, events, world.parts());
        };
  }

  /** Lets it work for a time. */
  public void run(Duration time) {
    world.run(work, time);
  }

  /** How it is doing. */
  public SinkStatus status() {
    return work.status();
  }
}
