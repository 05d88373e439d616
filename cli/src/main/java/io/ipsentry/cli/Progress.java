package io.ipsentry.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * A line on the terminal that tells how far a long reading is: bar, share, rate, time left. Appears
 * only when somebody waits, and goes when the work is done. On anything but a terminal it is
 * silent.
 */
final class Progress {
  private static final Duration FIRST = Duration.ofMillis(500);
  private static final Duration INTERVAL = Duration.ofMillis(200);
  private static final int BAR_COLUMNS = 24;
  private static final String ERASE_LINE = "\r\u001b[K";

  private final CountDownLatch closed = new CountDownLatch(1);
  private final PrintStream err;
  private final int width;
  private final long total;
  private final LongSupplier done;
  private final Thread thread;

  private Progress(PrintStream err, int width, long total, LongSupplier done) {
    this.err = err;
    this.width = width;
    this.total = total;
    this.done = done;
    thread = Thread.ofPlatform().daemon().name("progress").unstarted(this::show);
  }

  /**
   * Begins to show.
   *
   * @param total bytes to read; 0: not known
   * @param done bytes read so far, asked from another thread
   */
  static Progress start(Shell shell, long total, LongSupplier done) {
    Progress progress = new Progress(shell.err(), shell.errWidth().getAsInt(), total, done);
    if (progress.width > 0) {
      progress.thread.start();
    }
    return progress;
  }

  private void show() {
    long began = System.nanoTime();
    boolean shown = false;
    Duration wait = FIRST;
    try {
      while (!closed.await(wait.toMillis(), TimeUnit.MILLISECONDS)) {
        wait = INTERVAL;
        String line = line(done.getAsLong(), total, (System.nanoTime() - began) / 1e9);
        err.print(ERASE_LINE + line.substring(0, Math.min(line.length(), width - 1)));
        err.flush();
        shown = true;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (shown) {
      err.print(ERASE_LINE);
      err.flush();
    }
  }

  /** The text after so many seconds. */
  static String line(long done, long total, double seconds) {
    double rate = done / Math.max(seconds, 1e-3);
    String speed = StatusCommand.bytes((long) rate) + "/s";
    if (total <= 0) {
      return StatusCommand.bytes(done) + "  " + speed;
    }
    double share = Math.min(1, (double) done / total);
    int filled = (int) (share * BAR_COLUMNS);
    String bar = "#".repeat(filled) + ".".repeat(BAR_COLUMNS - filled);
    long left = (long) ((total - done) / Math.max(rate, 1));
    return String.format(
        Locale.ROOT,
        "[%s] %3.0f%%  %s  %s left",
        bar,
        share * 100,
        speed,
        Times.format(Duration.ofSeconds(Math.max(0, left))));
  }

  /** Takes the line away. */
  void end() {
    closed.countDown();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
