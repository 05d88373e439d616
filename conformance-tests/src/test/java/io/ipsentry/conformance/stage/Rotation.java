package io.ipsentry.conformance.stage;

import io.ipsentry.stage.Stage;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Every kubelet rotates the logs of its pods, again and again. Safe for any thread. */
final class Rotation implements AutoCloseable {
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();

  private Rotation() {}

  /** Begins. */
  static Rotation start(Stage stage, Duration interval) {
    Rotation begun = new Rotation();
    var ignored =
        begun.timer.scheduleAtFixedRate(
            () ->
                stage
                    .nodes()
                    .forEach(node -> {
                      node.gatewayLog().rotate();
                      node.shopLog().rotate();
                    }),
            interval.toMillis(),
            interval.toMillis(),
            TimeUnit.MILLISECONDS);
    return begun;
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
