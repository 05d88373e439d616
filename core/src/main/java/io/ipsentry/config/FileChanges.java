package io.ipsentry.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells when one of a fixed set of files may have changed: written in place, renamed over, or
 * reached by a symbolic link that was swapped anywhere on the way (Kubernetes).
 *
 * <p>The kernel's notifications are used where there are some, and the files are looked at every
 * {@link #POLL_INTERVAL} in any case. The listener runs on one virtual thread, one call at a time,
 * the first one at once: the files may have changed since they were read. After {@link #close()}
 * has returned it is not called any more. Safe for any thread.
 */
public final class FileChanges implements AutoCloseable {
  /** How often files are looked at, for file systems that do not notify. */
  public static final Duration POLL_INTERVAL = ConfigWatcher.POLL_INTERVAL;

  /** After a notification, the listener waits until there was none for this long. */
  private static final Duration SETTLE = Duration.ofMillis(50);

  /** ... but no longer than this many times. */
  private static final int MAX_SETTLES = 20;

  private static final Logger logger = LoggerFactory.getLogger(FileChanges.class);

  private final Set<Path> files;
  private final Runnable listener;
  private final Optional<FileNotifications> notifier;
  private final Thread thread;
  private volatile boolean closed;

  private FileChanges(Set<Path> files, String name, Runnable listener) {
    this.files = Set.copyOf(files);
    this.listener = listener;
    notifier = FileNotifications.open();
    thread = Thread.ofVirtual().name(name).unstarted(this::watch);
  }

  /**
   * Watches files from now on.
   *
   * @param name of the thread
   * @param listener told that a file may have changed
   */
  public static FileChanges watch(Set<Path> files, String name, Runnable listener) {
    FileChanges changes = new FileChanges(files, name, listener);
    changes.thread.start();
    return changes;
  }

  private void watch() {
    Map<Path, String> seen = Map.of();
    try {
      while (!closed) {
        // Watched first, then looked at: what changes in between is seen the next time.
        notifier.ifPresent(open -> open.watch(files));
        Map<Path, String> now = stamps();
        if (!now.equals(seen)) {
          seen = now;
          tell();
        } else if (awaitChange()) {
          seen = Map.of();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void tell() {
    try {
      listener.run();
    } catch (RuntimeException e) {
      // The listener's trouble must not end the watching of later, better files.
      logger.atError().setCause(e).addKeyValue("files", files).log("listener of files failed");
    }
  }

  /** Waits for a notification or the next look; true when something was notified. */
  private boolean awaitChange() throws InterruptedException {
    if (notifier.isEmpty()) {
      TimeUnit.NANOSECONDS.sleep(POLL_INTERVAL.toNanos());
      return false;
    }
    boolean changed = notifier.get().await(POLL_INTERVAL);
    for (int i = 0; changed && i < MAX_SETTLES && notifier.get().await(SETTLE); i++) {
      // Somebody is still at it.
    }
    return changed;
  }

  /** What tells cheaply whether a file is another one or was written to. */
  private Map<Path, String> stamps() {
    Map<Path, String> stamps = new HashMap<>();
    for (Path each : files) {
      try {
        BasicFileAttributes attributes = Files.readAttributes(each, BasicFileAttributes.class);
        stamps.put(
            each,
            attributes.fileKey() + " " + attributes.size() + " " + attributes.lastModifiedTime());
      } catch (IOException e) {
        stamps.put(each, "not readable");
      }
    }
    return stamps;
  }

  /** Ends watching; waits for a listener that is running, unless called by it. */
  @Override
  public void close() {
    closed = true;
    if (!thread.equals(Thread.currentThread())) {
      thread.interrupt();
      boolean interrupted = false;
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    notifier.ifPresent(FileNotifications::close);
  }
}
