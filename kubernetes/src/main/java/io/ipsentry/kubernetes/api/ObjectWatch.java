package io.ipsentry.kubernetes.api;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.KubernetesResourceList;
import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.FilterWatchListDeletable;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the objects of one kind: lists them in pages, a page in memory at a time, and watches
 * from there. Keeps of each object only what is wanted of it. While the API server is away, and
 * when the right is taken away, what was known stays. Safe for any thread.
 *
 * @param <T> kind of the objects
 * @param <V> what is kept of one; equal if nothing of it has changed
 */
public final class ObjectWatch<T extends HasMetadata, V> implements AutoCloseable {
  /** Objects of a page; a node is some 15 KiB. */
  private static final long PAGE = 100;

  /** When a kind that may not be listed, or that the cluster does not know, is tried again. */
  private static final Duration REFUSED_PAUSE = Duration.ofMinutes(5);

  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final int MAX_DOUBLINGS = 7;
  private static final Logger logger = LoggerFactory.getLogger(ObjectWatch.class);

  private final Kind<T, V> kind;
  private final Runnable changed;
  private final Thread thread;
  private final CountDownLatch closing = new CountDownLatch(1);

  /** Guarded by this. */
  private Map<String, V> objects = new HashMap<>();

  private volatile boolean settled;
  private volatile boolean forbidden;
  private volatile boolean closed;
  private boolean refused;

  /**
   * A kind of objects.
   *
   * @param what for people
   * @param needed whether the cluster must know it; else it is left out without a word
   * @param unreadable what is said when it may not be listed: what that means, and how to mend it
   */
  public record Kind<T extends HasMetadata, V>(
      String what, boolean needed, String unreadable, Source<T> source, Function<T, V> extract) {}

  /** Where the objects are. */
  public interface Source<T extends HasMetadata> {
    /** Lists them. */
    KubernetesResourceList<T> list(ListOptions options);

    /** Begins to watch them. */
    Watch watch(ListOptions options, Watcher<T> watcher);

    /** Those that the client selects. */
    static <T extends HasMetadata, L extends KubernetesResourceList<T>> Source<T> of(
        FilterWatchListDeletable<T, L, ?> objects) {
      return new Source<>() {
        @Override
        public KubernetesResourceList<T> list(ListOptions options) {
          return objects.list(options);
        }

        @Override
        public Watch watch(ListOptions options, Watcher<T> watcher) {
          return objects.watch(options, watcher);
        }
      };
    }
  }

  /**
   * @param changed is told, on a thread of this, that something is another
   */
  public ObjectWatch(Kind<T, V> kind, Runnable changed) {
    this.kind = kind;
    this.changed = changed;
    thread = Thread.ofVirtual().name("watch-of-" + kind.what()).unstarted(this::run);
  }

  /** Begins; to be called once. */
  public void start() {
    thread.start();
  }

  /** Whether it was listed once, or may not be. */
  public boolean isSettled() {
    return settled;
  }

  /** Whether it may not be listed now, so that what is known may be nothing. */
  public boolean isForbidden() {
    return forbidden;
  }

  /** What is known, in no order. */
  public synchronized List<V> values() {
    return List.copyOf(objects.values());
  }

  /**
   * Lists a kind.
   *
   * @return the version of the listing, for a watch
   * @throws KubernetesClientException if the API server fails
   */
  public static <T extends HasMetadata, V> String list(
      Kind<T, V> kind, BiConsumer<String, V> each) {
    String next = null;
    KubernetesResourceList<T> page;
    do {
      page =
          kind.source().list(new ListOptionsBuilder().withLimit(PAGE).withContinue(next).build());
      for (T object : page.getItems()) {
        each.accept(key(object), kind.extract().apply(object));
      }
      next = page.getMetadata().getContinue();
    } while (next != null && !next.isEmpty());
    return String.valueOf(page.getMetadata().getResourceVersion());
  }

  private static String key(HasMetadata object) {
    return object.getMetadata().getNamespace() + '/' + object.getMetadata().getName();
  }

  private void run() {
    int failures = 0;
    while (!closed) {
      try {
        follow();
        failures = 0;
        pause(jittered(0));
      } catch (KubernetesClientException e) {
        ApiServerException failure = ApiFailures.of("list " + kind.what(), e);
        boolean unknown = e.getCode() == 404 && !kind.needed();
        if (unknown || failure.reason() == Reason.FORBIDDEN) {
          refused(unknown, failure);
          pause(REFUSED_PAUSE);
        } else {
          logger
              .atWarn()
              .addKeyValue("cause", failure.getMessage())
              .log("objects of the cluster cannot be followed; what is known of them holds");
          pause(jittered(failures++));
        }
      }
    }
  }

  private void refused(boolean unknown, ApiServerException failure) {
    if (!refused && !unknown) {
      logger
          .atWarn()
          .addKeyValue("cause", failure.getMessage())
          .log("objects of the cluster cannot be read; " + kind.unreadable());
    }
    refused = true;
    forbidden = !unknown;
    settle();
  }

  private void settle() {
    settled = true;
    changed.run();
  }

  private void follow() {
    Map<String, V> listed = new HashMap<>();
    String version = list(kind, listed::put);
    synchronized (this) {
      objects = listed;
    }
    refused = false;
    forbidden = false;
    settle();
    CountDownLatch ended = new CountDownLatch(1);
    ListOptions options =
        new ListOptionsBuilder().withResourceVersion(version).withAllowWatchBookmarks(true).build();
    try (Watch running = kind.source().watch(options, new Events(ended))) {
      logger.atTrace().addKeyValue("watch", running).log("objects are watched");
      while (!closed && !ended.await(1, TimeUnit.SECONDS)) {
        // Goes on; both ends are seen within a second.
      }
    } catch (InterruptedException e) {
      // Only close interrupts, and closed says the rest.
      logger.atTrace().log("woken");
    }
  }

  /** The client takes up a watch that was cut by itself, and ends it where it cannot. */
  private final class Events implements Watcher<T> {
    private final CountDownLatch ended;

    Events(CountDownLatch ended) {
      this.ended = ended;
    }

    @Override
    public void eventReceived(Action action, T object) {
      switch (action) {
        case ADDED, MODIFIED -> put(key(object), kind.extract().apply(object));
        case DELETED -> put(key(object), null);
        case BOOKMARK, ERROR -> {}
      }
    }

    @Override
    public void onClose(WatcherException cause) {
      ended.countDown();
    }

    @Override
    public void onClose() {
      ended.countDown();
    }
  }

  private void put(String key, @Nullable V now) {
    boolean same;
    synchronized (this) {
      V before = now == null ? objects.remove(key) : objects.put(key, now);
      same = now == null ? before == null : now.equals(before);
    }
    if (!same) {
      changed.run();
    }
  }

  private static Duration jittered(int failures) {
    long millis = FIRST_PAUSE.toMillis() << Math.min(failures, MAX_DOUBLINGS);
    return Duration.ofMillis(millis / 2 + ThreadLocalRandom.current().nextLong(millis));
  }

  private void pause(Duration time) {
    try {
      boolean ignored = closing.await(time.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      // Only close interrupts, and closed says the rest.
      logger.atTrace().log("woken");
    }
  }

  @Override
  public void close() {
    closed = true;
    closing.countDown();
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
