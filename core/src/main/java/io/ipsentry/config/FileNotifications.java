package io.ipsentry.config;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernel's notifications of changes to a set of files, and to the links that lead to them.
 * Confined to one thread, but for {@link #close()}.
 *
 * <p>Where the kernel has no more watches to give, there are none: the caller looks by itself too.
 */
final class FileNotifications implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(FileNotifications.class);

  private final WatchService service;
  private final Map<Path, WatchKey> keys = new HashMap<>();
  private Set<Path> entries = Set.of();

  private FileNotifications(WatchService service) {
    this.service = service;
  }

  /** Notifications for no files yet; empty when the system has none. */
  static Optional<FileNotifications> open() {
    try {
      return Optional.of(new FileNotifications(FileSystems.getDefault().newWatchService()));
    } catch (IOException | UnsupportedOperationException e) {
      logger
          .atWarn()
          .setCause(e)
          .log("no file notifications; changes are seen a few seconds later");
      return Optional.empty();
    }
  }

  /** Watches these files from now on, and no others. */
  void watch(Set<Path> files) {
    Set<Path> wanted = new HashSet<>();
    files.forEach(file -> wanted.addAll(LinkChain.entries(file)));
    entries = wanted;
    Map<Path, WatchKey> before = new HashMap<>(keys);
    keys.clear();
    for (Path entry : wanted) {
      Path directory = entry.getParent();
      if (directory != null && !keys.containsKey(directory)) {
        // A directory that was replaced gets a new key, one that is the same gives the key it has.
        register(directory).ifPresent(key -> keys.put(directory, key));
      }
    }
    for (WatchKey key : before.values()) {
      if (!keys.containsValue(key)) {
        key.cancel();
      }
    }
  }

  private Optional<WatchKey> register(Path directory) {
    try {
      return Optional.of(
          directory.register(
              service,
              StandardWatchEventKinds.ENTRY_CREATE,
              StandardWatchEventKinds.ENTRY_MODIFY,
              StandardWatchEventKinds.ENTRY_DELETE));
    } catch (IOException e) {
      logger
          .atDebug()
          .setCause(e)
          .addKeyValue("directory", directory)
          .log("directory cannot be watched; changes are seen a few seconds later");
      return Optional.empty();
    }
  }

  /** Waits until a watched file may have changed, or the time is over; true when one may have. */
  boolean await(Duration time) throws InterruptedException {
    long end = System.nanoTime() + time.toNanos();
    try {
      for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
        WatchKey key = service.poll(left, TimeUnit.NANOSECONDS);
        if (key != null && concerns(key)) {
          return true;
        }
      }
      return false;
    } catch (ClosedWatchServiceException e) {
      return false;
    }
  }

  private boolean concerns(WatchKey key) {
    boolean concerns = false;
    for (WatchEvent<?> event : key.pollEvents()) {
      boolean lost = event.kind().equals(StandardWatchEventKinds.OVERFLOW);
      boolean watched =
          event.context() instanceof Path name
              && key.watchable() instanceof Path directory
              && entries.contains(directory.resolve(name));
      concerns |= lost || watched;
    }
    // A key that is no longer valid means that the directory is gone.
    return !key.reset() || concerns;
  }

  @Override
  public void close() {
    try {
      service.close();
    } catch (IOException e) {
      logger.atDebug().setCause(e).log("closing file notifications failed");
    }
  }
}
