package io.ipsentry.watcher.source;

import static java.nio.file.StandardWatchEventKinds.ENTRY_CREATE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_DELETE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_MODIFY;
import static java.nio.file.StandardWatchEventKinds.OVERFLOW;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Collects directory events on a thread of its own until the polling thread takes them.
 *
 * <p>Events are hints: a lost one costs at most the loop's longest sleep. At {@value
 * #MAX_PENDING_PATHS} paths not yet taken the rest is replaced by "look at everything". Beyond
 * {@value #MAX_DIRECTORIES} directories, or when the system has no watch left, a directory is not
 * watched, which is logged once.
 */
final class DirectoryWatch implements AutoCloseable {
  static final int MAX_PENDING_PATHS = 4096;
  static final int MAX_DIRECTORIES = 8192;

  /**
   * While events follow each other quickly, those of so long a time are announced together, when it
   * is over: a server that writes a thousand lines a second, each by itself, would else wake three
   * threads for each.
   */
  private static final Duration TOGETHER = Duration.ofMillis(2);

  /** Events further apart than this are few: each is announced, and nobody sleeps after it. */
  private static final Duration FEW = Duration.ofMillis(8);

  private static final Logger logger = LoggerFactory.getLogger(DirectoryWatch.class);

  private final WatchService service;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition happened = lock.newCondition();

  /** Guarded by {@link #lock}: changed path → whether a name appeared or went. */
  private Map<Path, Boolean> pending = new HashMap<>();

  /** Guarded by {@link #lock}. */
  private boolean overflow;

  /** Guarded by {@link #lock}. */
  private boolean signalled;

  private final Map<Path, WatchKey> keys = new HashMap<>();
  private List<Set<Path>> watched = List.of();
  private boolean limitReported;

  private DirectoryWatch(WatchService service) {
    this.service = service;
  }

  static DirectoryWatch start() throws IOException {
    DirectoryWatch watch = new DirectoryWatch(FileSystems.getDefault().newWatchService());
    // Woken by each write to a log: a virtual thread would wake its carriers as well each time.
    Thread.ofPlatform().name("directory-watch").daemon().start(watch::collect);
    return watch;
  }

  /** Hands what was collected to the sources. Called by the polling thread. */
  void deliver(List<LineSource> sources) {
    Map<Path, Boolean> changes;
    boolean all;
    lock.lock();
    try {
      signalled = false;
      if (pending.isEmpty() && !overflow) {
        return;
      }
      changes = pending;
      pending = new HashMap<>();
      all = overflow;
      overflow = false;
    } finally {
      lock.unlock();
    }
    for (LineSource source : sources) {
      if (all) {
        source.rescan();
      } else {
        changes.forEach(source::changed);
      }
    }
  }

  void signal() {
    lock.lock();
    try {
      signalled = true;
      happened.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void await(Duration timeout) throws InterruptedException {
    long left = timeout.toNanos();
    lock.lockInterruptibly();
    try {
      while (!signalled && left > 0) {
        left = happened.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Watches exactly these directories. Cheap when nothing changed since the call before. Called by
   * the polling thread.
   *
   * @param renew registers again those that are watched already
   */
  void directories(List<Set<Path>> wanted, boolean renew) {
    if (!renew && wanted.equals(watched)) {
      return;
    }
    watched = List.copyOf(wanted);
    Set<Path> now = new HashSet<>();
    wanted.forEach(now::addAll);
    keys.entrySet()
        .removeIf(e -> {
          boolean gone = !now.contains(e.getKey());
          if (gone) {
            e.getValue().cancel();
          }
          return gone;
        });
    for (Path directory : now) {
      WatchKey key = keys.get(directory);
      if (renew || key == null || !key.isValid()) {
        register(directory);
      }
    }
  }

  private void register(Path directory) {
    if (keys.size() >= MAX_DIRECTORIES && !keys.containsKey(directory)) {
      reportLimit(directory, "more directories than " + MAX_DIRECTORIES);
      return;
    }
    try {
      WatchKey key = directory.register(service, ENTRY_CREATE, ENTRY_DELETE, ENTRY_MODIFY);
      WatchKey before = keys.put(directory, key);
      if (before == null) {
        // What happened between the source's look at the directory and now left no event.
        collected(directory, true);
      } else if (!before.equals(key)) {
        before.cancel();
        collected(directory, true);
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      keys.remove(directory);
    } catch (IOException e) {
      keys.remove(directory);
      reportLimit(directory, String.valueOf(e.getMessage()));
    }
  }

  private void reportLimit(Path directory, String cause) {
    if (!limitReported) {
      limitReported = true;
      logger
          .atWarn()
          .addKeyValue("directory", directory)
          .addKeyValue("cause", cause)
          .addKeyValue("interval", SourceLoop.MAX_WAIT)
          .log(
              "Directory cannot be watched, its files are polled; raise fs.inotify.max_user_watches"
                  + " to have changes announced");
    }
  }

  private void collect() {
    try {
      long before = System.nanoTime() - FEW.toNanos();
      while (true) {
        WatchKey key = service.take();
        Path directory = (Path) key.watchable();
        for (WatchEvent<?> event : key.pollEvents()) {
          if (event.kind().equals(OVERFLOW)) {
            overflowed();
          } else if (event.context() instanceof Path name) {
            collected(directory.resolve(name), !event.kind().equals(ENTRY_MODIFY));
          }
        }
        long now = System.nanoTime();
        if (now - before < FEW.toNanos()) {
          // Until it is reset, a key takes events without waking anybody.
          Thread.sleep(TOGETHER);
        }
        before = now;
        key.reset();
      }
    } catch (ClosedWatchServiceException e) {
      logger.atDebug().log("Directory watch closed");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void collected(Path path, boolean entry) {
    lock.lock();
    try {
      if (pending.size() >= MAX_PENDING_PATHS) {
        overflow = true;
      } else {
        pending.merge(path, entry, Boolean::logicalOr);
      }
      signalled = true;
      happened.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void overflowed() {
    lock.lock();
    try {
      overflow = true;
      signalled = true;
      happened.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    try {
      service.close();
    } catch (IOException e) {
      logger.atDebug().setCause(e).log("Directory watch did not close cleanly");
    }
  }
}
