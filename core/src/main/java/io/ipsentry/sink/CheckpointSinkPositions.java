package io.ipsentry.sink;

import io.ipsentry.banlog.Checkpoints;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Positions of sinks among the checkpoints of this process, which is the only one to move them:
 * {@code sink/NAME} holds {@code SEQ LOG}. Safe for any thread.
 */
public final class CheckpointSinkPositions implements SinkPositions {
  private static final String PREFIX = "sink/";
  private static final Logger logger = LoggerFactory.getLogger(CheckpointSinkPositions.class);

  private final Checkpoints checkpoints;

  /** Positions in these checkpoints. */
  public CheckpointSinkPositions(Checkpoints checkpoints) {
    this.checkpoints = checkpoints;
  }

  @Override
  public Optional<SinkPosition> load(String sink) {
    return checkpoints.load(PREFIX + sink).flatMap(bytes -> read(sink, bytes));
  }

  private static Optional<SinkPosition> read(String sink, byte[] bytes) {
    String[] parts = new String(bytes, StandardCharsets.UTF_8).split(" ", 2);
    try {
      return Optional.of(new SinkPosition(Long.parseLong(parts[0]), parts[parts.length - 1]));
    } catch (IllegalArgumentException e) {
      logger
          .atError()
          .setCause(e)
          .addKeyValue("sink", sink)
          .log("stored position cannot be read; the sink starts as on its first day");
      return Optional.empty();
    }
  }

  @Override
  public synchronized boolean move(
      String sink, Optional<SinkPosition> expected, SinkPosition next) {
    if (!load(sink).equals(expected)) {
      return false;
    }
    byte[] bytes = (next.seq() + " " + next.logId()).getBytes(StandardCharsets.UTF_8);
    checkpoints.save(Map.of(PREFIX + sink, bytes), Set.of());
    return true;
  }
}
