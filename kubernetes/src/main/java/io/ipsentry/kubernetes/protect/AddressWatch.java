package io.ipsentry.kubernetes.protect;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.KubernetesResourceList;
import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.ipsentry.kubernetes.api.ApiFailures;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the addresses of one kind of objects: lists them in pages, a page in memory at a time,
 * and watches from there. Keeps of each object nothing but its addresses. While the API server is
 * away, and when the right is taken away, what was known stays. Safe for any thread.
 *
 * @param <T> kind of the objects
 */
final class AddressWatch<T extends HasMetadata> implements AutoCloseable {
  /** Objects of a page; a node is some 15 KiB. */
  private static final long PAGE = 100;

  /** When a kind that may not be listed, or that the cluster does not know, is tried again. */
  private static final Duration REFUSED_PAUSE = Duration.ofMinutes(5);

  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final int MAX_DOUBLINGS = 7;
  private static final Logger logger = LoggerFactory.getLogger(AddressWatch.class);

  private final Kind<T> kind;
  private final Runnable changed;
  private final Thread thread;
  private final CountDownLatch closing = new CountDownLatch(1);

  /** Guarded by this. */
  private Map<String, FoundAddresses> objects = new HashMap<>();

  private volatile boolean settled;
  private volatile boolean closed;
  private boolean refused;

  /**
   * A kind of objects.
   *
   * @param what for people
   * @param needed whether the cluster must know it; else it is left out without a word
   */
  record Kind<T extends HasMetadata>(
      String what, boolean needed, Source<T> source, BiConsumer<T, FoundAddresses> extract) {}

  /** Where the objects are. */
  interface Source<T extends HasMetadata> {
    KubernetesResourceList<T> list(ListOptions options);

    Watch watch(ListOptions options, Watcher<T> watcher);
  }

  /**
   * @param changed is told, on a thread of this, that something is another
   */
  AddressWatch(Kind<T> kind, Runnable changed) {
    this.kind = kind;
    this.changed = changed;
    thread = Thread.ofVirtual().name("addresses-of-" + kind.what()).unstarted(this::run);
  }

  /** Begins; to be called once. */
  void start() {
    thread.start();
  }

  /** Whether it was listed once, or may not be. */
  boolean isSettled() {
    return settled;
  }

  /** Adds what is known. */
  synchronized void addTo(FoundAddresses all) {
    objects.values().forEach(all::addAll);
  }

  /**
   * Lists a kind.
   *
   * @return the version of the listing, for a watch
   * @throws KubernetesClientException if the API server fails
   */
  static <T extends HasMetadata> String list(
      Kind<T> kind, BiConsumer<String, FoundAddresses> each) {
    String next = null;
    KubernetesResourceList<T> page;
    do {
      page =
          kind.source().list(new ListOptionsBuilder().withLimit(PAGE).withContinue(next).build());
      for (T object : page.getItems()) {
        each.accept(key(object), found(kind, object));
      }
      next = page.getMetadata().getContinue();
    } while (next != null && !next.isEmpty());
    return String.valueOf(page.getMetadata().getResourceVersion());
  }

  private static String key(HasMetadata object) {
    return object.getMetadata().getNamespace() + '/' + object.getMetadata().getName();
  }

  private static <T extends HasMetadata> FoundAddresses found(Kind<T> kind, T object) {
    FoundAddresses found = new FoundAddresses();
    kind.extract().accept(object, found);
    return found;
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
              .log("addresses of the cluster cannot be followed; those that are known hold");
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
          .log(
              "these addresses of the cluster are not known, and so not protected; let the service"
                  + " account list and watch them, or name them in neverBan");
    }
    refused = true;
    settle();
  }

  private void settle() {
    settled = true;
    changed.run();
  }

  private void follow() {
    Map<String, FoundAddresses> listed = new HashMap<>();
    String version = list(kind, listed::put);
    synchronized (this) {
      objects = listed;
    }
    refused = false;
    settle();
    CountDownLatch ended = new CountDownLatch(1);
    ListOptions options =
        new ListOptionsBuilder().withResourceVersion(version).withAllowWatchBookmarks(true).build();
    try (Watch running = kind.source().watch(options, new Events(ended))) {
      logger.atTrace().addKeyValue("watch", running).log("addresses are watched");
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
        case ADDED, MODIFIED -> put(key(object), found(kind, object));
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

  private void put(String key, @Nullable FoundAddresses now) {
    boolean same;
    synchronized (this) {
      FoundAddresses before = now == null ? objects.remove(key) : objects.put(key, now);
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
