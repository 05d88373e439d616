package io.ipsentry.config;

import io.ipsentry.config.ConfigLoader.Loaded;
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
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a configuration again whenever it changes: the file itself, its list files, its packs.
 *
 * <p>Sees writes in place, editors that rename a new file over the old one, and symbolic links that
 * are swapped anywhere on the way (Kubernetes). Changes are seen by the kernel's notifications
 * where there are some, and by looking at the files every few seconds in any case. A change is a
 * change of content: a file that is written again as it was changes nothing.
 *
 * <p>A result that is invalid is reported like any other; {@link #inForce()} stays what it was. The
 * listener runs on the watcher's own thread, one call at a time, in order; after {@link #close()}
 * has returned it is not called any more. Safe for any thread.
 */
public final class ConfigWatcher implements AutoCloseable {
  /** How often files are looked at, for file systems that do not notify. */
  static final Duration POLL_INTERVAL = Duration.ofSeconds(5);

  /** After a notification, reading waits until there was none for this long. */
  private static final Duration SETTLE = Duration.ofMillis(50);

  /** ... but no longer than this many times. */
  private static final int MAX_SETTLES = 20;

  private static final Logger logger = LoggerFactory.getLogger(ConfigWatcher.class);

  private final Path file;
  private final ConfigLoader loader = new ConfigLoader();
  private final Duration pollInterval;
  private final boolean notifications;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile Loaded loaded;
  private volatile Optional<Config> inForce;
  private volatile boolean closed;
  private Optional<Thread> thread = Optional.empty();
  private Optional<FileNotifications> notifier = Optional.empty();

  /** Reads the file, once; {@link #current()} is the result. */
  public ConfigWatcher(Path file) {
    this(file, POLL_INTERVAL, true);
  }

  ConfigWatcher(Path file, Duration pollInterval, boolean notifications) {
    this.file = file;
    this.pollInterval = pollInterval;
    this.notifications = notifications;
    loaded = loader.loadTracked(file);
    inForce = configOf(loaded.result()).or(Optional::empty);
  }

  /** What came of reading the file last. */
  public ConfigResult current() {
    return loaded.result();
  }

  /** The last configuration that was valid; empty when there was none yet. */
  public Optional<Config> inForce() {
    return inForce;
  }

  /**
   * Begins to watch. A change since the constructor read the file is reported at once.
   *
   * @param listener told of every result that was read because something changed
   * @throws IllegalStateException if it was called before
   */
  public void start(Consumer<ConfigResult> listener) {
    lock.lock();
    try {
      if (thread.isPresent() || closed) {
        throw new IllegalStateException("a watcher is started once");
      }
      notifier = notifications ? FileNotifications.open() : Optional.empty();
      thread = Optional.of(Thread.ofVirtual().name("config-watcher").start(() -> watch(listener)));
    } finally {
      lock.unlock();
    }
  }

  private void watch(Consumer<ConfigResult> listener) {
    try {
      // Nothing is seen yet: the file may have changed after the constructor read it.
      Map<Path, String> seen = Map.of();
      while (!closed) {
        // Watched first, then looked at, then read: what changes in between is seen the next time.
        // A
        // file that the reading adds has not been looked at, so that it is read once more.
        Set<Path> files = loaded.digests().keySet();
        notifier.ifPresent(open -> open.watch(files));
        Map<Path, String> now = stamps(files);
        if (!now.equals(seen)) {
          reload(listener);
          seen = now;
        } else if (awaitChange()) {
          seen = Map.of();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits for a notification or the next look; true when something was notified. */
  private boolean awaitChange() throws InterruptedException {
    if (notifier.isEmpty()) {
      TimeUnit.NANOSECONDS.sleep(pollInterval.toNanos());
      return false;
    }
    boolean changed = notifier.get().await(pollInterval);
    for (int i = 0; changed && i < MAX_SETTLES && notifier.get().await(SETTLE); i++) {
      // An editor or kubelet is still at it.
    }
    return changed;
  }

  private void reload(Consumer<ConfigResult> listener) {
    Loaded next = loader.loadTracked(file);
    if (closed || next.digests().equals(loaded.digests())) {
      return;
    }
    loaded = next;
    configOf(next.result()).ifPresent(config -> inForce = Optional.of(config));
    try {
      listener.accept(next.result());
    } catch (RuntimeException e) {
      // The listener's trouble must not end the watching of later, better files.
      logger.atError().setCause(e).addKeyValue("file", file).log("configuration listener failed");
    }
  }

  private static Optional<Config> configOf(ConfigResult result) {
    return switch (result) {
      case ConfigResult.Valid valid -> Optional.of(valid.config());
      case ConfigResult.Invalid _ -> Optional.empty();
    };
  }

  /** What tells cheaply whether a file is another one or was written to. */
  private static Map<Path, String> stamps(Set<Path> files) {
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
    Optional<Thread> running;
    Optional<FileNotifications> open;
    lock.lock();
    try {
      closed = true;
      running = thread;
      open = notifier;
    } finally {
      lock.unlock();
    }
    running.filter(other -> !other.equals(Thread.currentThread())).ifPresent(ConfigWatcher::stop);
    open.ifPresent(FileNotifications::close);
  }

  private static void stop(Thread thread) {
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
}
