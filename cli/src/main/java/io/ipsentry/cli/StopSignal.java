package io.ipsentry.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes SIGTERM and SIGINT an orderly end with exit code 0; the JVM's own would be 128 + the number
 * of the signal.
 */
final class StopSignal {
  /** The process ends after this time even if closing is not done. */
  private static final long MAX_STOP_SECONDS = 20;

  private static final Logger logger = LoggerFactory.getLogger(StopSignal.class);

  private final CountDownLatch closed = new CountDownLatch(1);
  private final Runnable stop;
  private final Thread hook = Thread.ofPlatform().name("stop").unstarted(this::stopAndHalt);

  private StopSignal(Runnable stop) {
    this.stop = stop;
  }

  /**
   * Waits for signals from now on.
   *
   * @param stop begins the end, on a thread of its own; {@link #done} tells that it is reached
   */
  static StopSignal install(Runnable stop) {
    StopSignal signal = new StopSignal(stop);
    Runtime.getRuntime().addShutdownHook(signal.hook);
    return signal;
  }

  private void stopAndHalt() {
    stop.run();
    try {
      boolean done = closed.await(MAX_STOP_SECONDS, TimeUnit.SECONDS);
      Runtime.getRuntime().halt(done ? ExitCode.DONE : ExitCode.FAILED);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Everything is closed. */
  void done() {
    logger.atInfo().log("stopped");
    closed.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      logger.atDebug().log("stopped by a signal");
    }
  }
}
