package io.ipsentry.kubernetes.protect;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows what the leader found must never be banned. While the API server is away, and while the
 * ConfigMap is gone or damaged, what was known last stays: protection is given up only for other
 * protection. Safe for any thread.
 */
public final class ProtectedFollower implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(1);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final int MAX_DOUBLINGS = 7;
  private static final Logger logger = LoggerFactory.getLogger(ProtectedFollower.class);

  private final ConfigMaps api;
  private final ProtectedConfigMap map;
  private final Consumer<List<Part>> listener;
  private final Thread thread;
  private volatile List<Part> parts = List.of();
  private volatile boolean read;
  private volatile boolean closed;
  private volatile String problem = "";
  private volatile ConfigMaps.@Nullable Changes changes;

  private ProtectedFollower(ConfigMaps api, String release, Consumer<List<Part>> listener) {
    this.api = api;
    this.map = new ProtectedConfigMap(api, release);
    this.listener = listener;
    thread = Thread.ofVirtual().name("protected").unstarted(this::run);
  }

  /**
   * Begins to follow.
   *
   * @param release full name of the release
   * @param listener is told of every change of {@link #parts}, on a thread of this
   */
  public static ProtectedFollower start(
      ConfigMaps api, String release, Consumer<List<Part>> listener) {
    ProtectedFollower follower = new ProtectedFollower(api, release, listener);
    follower.thread.start();
    return follower;
  }

  /** What is protected, as far as is known; nothing before it was read once. */
  public List<Part> parts() {
    return parts;
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
              .addKeyValue("cause", message)
              .log("what is protected cannot be followed; what is known stays in force");
        }
        problem = message;
        pause(failures++);
      }
    }
  }

  private void follow() {
    ConfigMaps.Listing listing = api.list(map.selector());
    for (StoredConfigMap found : listing.items()) {
      take(found);
    }
    read = true;
    try (ConfigMaps.Changes running = api.watch(map.selector(), listing.version())) {
      changes = running;
      while (!closed) {
        problem = "";
        for (ConfigMaps.Change change : running.await(PATIENCE)) {
          if (change.kind() != ConfigMaps.Change.Kind.DELETED) {
            take(change.map());
          }
        }
      }
    } finally {
      changes = null;
    }
  }

  private void take(StoredConfigMap found) {
    if (!found.name().equals(map.name())) {
      return;
    }
    List<Part> now = map.read(found);
    if (!now.equals(parts)) {
      parts = List.copyOf(now);
      listener.accept(parts);
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
