package io.ipsentry.kubernetes.api;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps.Change;
import io.ipsentry.kubernetes.api.ConfigMaps.Changes;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** What a watch of the client brings, until it is fetched; ends when its connection does. */
final class WatchedChanges implements Changes, Watcher<ConfigMap> {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Change> waiting = new ArrayDeque<>();
  private String version;
  private String newest;
  private @Nullable ApiServerException ended;
  private @Nullable Watch watch;
  private boolean closed;

  /**
   * @param version at which the watch begins
   */
  WatchedChanges(String version) {
    this.version = version;
    this.newest = version;
  }

  /** Tells it which watch is behind it. */
  WatchedChanges running(Watch started) {
    boolean late;
    lock.lock();
    try {
      watch = started;
      late = closed;
    } finally {
      lock.unlock();
    }
    if (late) {
      started.close();
    }
    return this;
  }

  @Override
  public void eventReceived(Action action, ConfigMap map) {
    lock.lock();
    try {
      newest = map.getMetadata().getResourceVersion();
      switch (action) {
        case ADDED -> waiting.add(new Change(Change.Kind.ADDED, ClusterConfigMaps.read(map)));
        case MODIFIED -> waiting.add(new Change(Change.Kind.MODIFIED, ClusterConfigMaps.read(map)));
        case DELETED -> waiting.add(new Change(Change.Kind.DELETED, ClusterConfigMaps.read(map)));
        case BOOKMARK, ERROR -> {}
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onClose(WatcherException cause) {
    end(
        new ApiServerException(
            cause.isHttpGone() ? Reason.GONE : Reason.UNAVAILABLE,
            "the watch ended: " + cause.getMessage(),
            cause));
  }

  @Override
  public void onClose() {
    end(new ApiServerException(Reason.UNAVAILABLE, "the watch ended", null));
  }

  private void end(ApiServerException cause) {
    lock.lock();
    try {
      ended = cause;
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
      version = newest;
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
    Watch running;
    lock.lock();
    try {
      closed = true;
      running = watch;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (running != null) {
      running.close();
    }
  }
}
