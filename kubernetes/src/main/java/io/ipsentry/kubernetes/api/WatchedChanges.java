package io.ipsentry.kubernetes.api;

import com.fasterxml.jackson.core.JsonParser;
import io.ipsentry.kubernetes.api.Answers.Told;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps.Change;
import io.ipsentry.kubernetes.api.ConfigMaps.Changes;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What a watch brings, until it is fetched; a thread of its own reads the answer, which goes on
 * until its connection ends.
 */
final class WatchedChanges implements Changes {
  /** More wait in the connection. */
  private static final int MAX_WAITING = 256;

  /** And so does what is behind so many characters and bytes: a few of the largest entries. */
  static final long MAX_WAITING_SIZE = 1 << 20;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Change> waiting = new ArrayDeque<>();
  private final InputStream answer;
  private long waitingSize;
  private String version;
  private String newest;
  private @Nullable ApiServerException ended;
  private boolean closed;

  private WatchedChanges(String version, InputStream answer) {
    this.version = version;
    this.newest = version;
    this.answer = answer;
  }

  /**
   * Begins to read.
   *
   * @param version at which the watch begins
   * @param answer of the API server; closed here
   */
  static WatchedChanges of(String version, InputStream answer) {
    WatchedChanges changes = new WatchedChanges(version, answer);
    Thread ignored = Thread.ofVirtual().name("watch").start(changes::read);
    return changes;
  }

  private void read() {
    try (JsonParser json = Answers.parser(answer)) {
      Optional<Told<StoredConfigMap>> told = Answers.next(json, ConfigMapReader::read);
      while (told.isPresent() && take(told.get())) {
        told = Answers.next(json, ConfigMapReader::read);
      }
      end(new ApiServerException(Reason.UNAVAILABLE, "the watch ended", null));
    } catch (IOException e) {
      end(
          new ApiServerException(
              Reason.UNAVAILABLE, "the watch ended: " + String.valueOf(e.getMessage()), e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      // Whatever a client throws when it is closed: whoever waits must hear that nothing comes.
      end(new ApiServerException(Reason.UNAVAILABLE, "the watch ended: " + e, e));
    }
  }

  /** Whether it goes on. */
  private boolean take(Told<StoredConfigMap> told) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while ((waiting.size() >= MAX_WAITING || waitingSize >= MAX_WAITING_SIZE) && !closed) {
        changed.await();
      }
      switch (told) {
        case Told.Happened<StoredConfigMap>(Change.Kind kind, StoredConfigMap map) -> {
          newest = map.version();
          waiting.add(new Change(kind, map));
          waitingSize += size(map);
        }
        case Told.Bookmark<StoredConfigMap>(String at) -> newest = at;
        case Told.Failed<StoredConfigMap>(Answers.Failure failure) -> {
          end(
              new ApiServerException(
                  failure.code() == HttpURLConnection.HTTP_GONE ? Reason.GONE : Reason.UNAVAILABLE,
                  "the watch ended: " + failure.message(),
                  null));
          return false;
        }
      }
      changed.signalAll();
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  private static long size(StoredConfigMap map) {
    return map.data().values().stream().mapToLong(String::length).sum()
        + map.binary().values().stream().mapToLong(bytes -> bytes.length).sum();
  }

  /** The first reason counts. */
  private void end(ApiServerException cause) {
    lock.lock();
    try {
      ended = ended == null ? cause : ended;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<Change> await(Duration patience) {
    lock.lock();
    try {
      long left = patience.toNanos();
      while (waiting.isEmpty() && ended == null && !closed && left > 0) {
        left = changed.awaitNanos(left);
      }
      if (closed) {
        return List.of();
      }
      if (waiting.isEmpty() && ended != null) {
        throw new ApiServerException(ended.reason(), String.valueOf(ended.getMessage()), ended);
      }
      List<Change> taken = new ArrayList<>(waiting);
      waiting.clear();
      waitingSize = 0;
      version = newest;
      changed.signalAll();
      return taken;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ApiServerException(Reason.UNAVAILABLE, "interrupted", e);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String version() {
    lock.lock();
    try {
      return version;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    ApiRequests.close(answer);
  }
}
