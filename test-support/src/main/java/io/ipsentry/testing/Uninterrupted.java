package io.ipsentry.testing;

/** Runs what must come to its end, also on a thread that was interrupted, which it stays. */
public final class Uninterrupted {
  private Uninterrupted() {}

  /** Runs it. */
  public static void run(Runnable task) {
    boolean interrupted = Thread.interrupted();
    try {
      task.run();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
