package io.ipsentry.kubernetes.api;

import io.ipsentry.banlog.BanLogException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows what one ConfigMap says. While the API server is away, and while the ConfigMap is gone or
 * damaged, what was known last stays. Safe for any thread.
 *
 * @param <T> what it says; equal if nothing has changed
 */
public final class ConfigMapFollower<T> implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(1);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final int MAX_DOUBLINGS = 7;
  private static final Logger logger = LoggerFactory.getLogger(ConfigMapFollower.class);

  private final ConfigMaps api;
  private final Followed<T> followed;
  private final Consumer<T> listener;
  private final Runnable deleted;
  private final Thread thread;
  private volatile T known;
  private volatile boolean read;
  private volatile boolean closed;
  private volatile String problem = "";
  private volatile ConfigMaps.@Nullable Changes changes;

  /**
   * Which one, and how it is read.
   *
   * @param selector selects it, and perhaps others
   * @param reader throws {@link BanLogException} if it cannot be understood
   * @param nothing holds until it was read
   */
  public record Followed<T>(
      String name, ConfigMaps.Selector selector, Function<StoredConfigMap, T> reader, T nothing) {}

  private ConfigMapFollower(
      ConfigMaps api, Followed<T> followed, Consumer<T> listener, Runnable deleted) {
    this.api = api;
    this.followed = followed;
    this.listener = listener;
    this.deleted = deleted;
    known = followed.nothing();
    thread = Thread.ofVirtual().name("follow-" + followed.name()).unstarted(this::run);
  }

  /**
   * Begins to follow.
   *
   * @param listener is told of every change of {@link #known}, on a thread of this
   */
  public static <T> ConfigMapFollower<T> start(
      ConfigMaps api, Followed<T> followed, Consumer<T> listener) {
    return start(api, followed, listener, () -> {});
  }

  /**
   * As the other, for who keeps it.
   *
   * @param deleted called when it was deleted, on a thread of this; what was known stays known
   */
  public static <T> ConfigMapFollower<T> start(
      ConfigMaps api, Followed<T> followed, Consumer<T> listener, Runnable deleted) {
    ConfigMapFollower<T> follower = new ConfigMapFollower<>(api, followed, listener, deleted);
    follower.thread.start();
    return follower;
  }

  /** What it says, as far as is known. */
  public T known() {
    return known;
  }

  /** Whether it was looked at once: there may have been none. */
  public boolean isRead() {
    return read;
  }

  /** Why it is not followed at the moment; empty: it is. */
  public String problem() {
    return problem;
  }

  private void run() {
    int failures = 0;
    while (!closed) {
      try {
        follow();
        failures = 0;
      } catch (ApiServerException | BanLogException e) {
        String message = String.valueOf(e.getMessage());
        if (!closed && !message.equals(problem)) {
          logger
              .atWarn()
              .addKeyValue("configMap", followed.name())
              .addKeyValue("cause", message)
              .log("a ConfigMap cannot be followed; what is known of it stays in force");
        }
        problem = message;
        pause(failures++);
      }
    }
  }

  private void follow() {
    ConfigMaps.Listing listing = api.list(followed.selector());
    for (StoredConfigMap found : listing.items()) {
      take(found);
    }
    read = true;
    try (ConfigMaps.Changes running = api.watch(followed.selector(), listing.version())) {
      changes = running;
      while (!closed) {
        problem = "";
        for (ConfigMaps.Change change : running.await(PATIENCE)) {
          if (change.kind() != ConfigMaps.Change.Kind.DELETED) {
            take(change.map());
          } else if (change.map().name().equals(followed.name())) {
            deleted.run();
          }
        }
      }
    } finally {
      changes = null;
    }
  }

  private void take(StoredConfigMap found) {
    if (!found.name().equals(followed.name())) {
      return;
    }
    T now = followed.reader().apply(found);
    if (!now.equals(known)) {
      known = now;
      listener.accept(now);
    }
  }

  private void pause(int failures) {
    long millis = FIRST_PAUSE.toMillis() << Math.min(failures, MAX_DOUBLINGS);
    try {
      if (!closed) {
        Thread.sleep(millis / 2 + ThreadLocalRandom.current().nextLong(millis));
      }
    } catch (InterruptedException e) {
      // Only close interrupts, and closed says the rest.
      logger.atTrace().log("woken");
    }
  }

  @Override
  public void close() {
    closed = true;
    ConfigMaps.Changes running = changes;
    if (running != null) {
      running.close();
    }
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
