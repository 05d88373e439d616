package io.ipsentry.sink;

import io.ipsentry.banlog.BanLogException;
import java.util.Optional;

/** Where positions of sinks are kept. Safe for any thread. */
public interface SinkPositions {
  /**
   * How far a sink is; empty: it has never been there.
   *
   * @throws BanLogException if it cannot be read
   */
  Optional<SinkPosition> load(String sink);

  /**
   * Moves a sink, if it is still where the caller thinks; durable when it returns.
   *
   * @return whether it did; if not, another process has moved it
   * @throws BanLogException if it cannot be stored, or it is not known whether it was
   */
  boolean move(String sink, Optional<SinkPosition> expected, SinkPosition next);
}
