package io.ipsentry.kubernetes.sink;

import io.ipsentry.banlog.BanLogException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.sink.StoredSinkPositions.Position;
import io.ipsentry.sink.SinkPosition;
import io.ipsentry.sink.SinkPositions;
import java.util.Optional;
import java.util.function.Supplier;

/** Positions of sinks in the ConfigMap of the release. Safe for any thread. */
public final class ClusterSinkPositions implements SinkPositions {
  private final StoredSinkPositions stored;

  /** Positions in this ConfigMap; the name of the log is the state beside the number. */
  public ClusterSinkPositions(StoredSinkPositions stored) {
    this.stored = stored;
  }

  @Override
  public Optional<SinkPosition> load(String sink) {
    return told(() -> stored.get(sink))
        // Before the first time there is no name of a log either.
        .flatMap(position ->
            position.state().isEmpty()
                ? Optional.empty()
                : Optional.of(new SinkPosition(position.seq(), position.state())));
  }

  @Override
  public boolean move(String sink, Optional<SinkPosition> expected, SinkPosition next) {
    Position before = expected.map(at -> new Position(at.seq(), at.logId())).orElse(Position.START);
    return told(() -> stored.move(sink, before, new Position(next.seq(), next.logId())))
        .orElseThrow();
  }

  private static <T> Optional<T> told(Supplier<T> call) {
    try {
      return Optional.of(call.get());
    } catch (ApiServerException e) {
      throw BanLogException.transientFailure(
          "the positions of sinks cannot be read or written: " + e.getMessage(), e);
    }
  }
}
