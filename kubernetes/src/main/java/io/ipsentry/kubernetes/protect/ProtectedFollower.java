package io.ipsentry.kubernetes.protect;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.kubernetes.api.ConfigMapFollower;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.net.PrefixSet;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Follows what the leader found must never be banned. While the API server is away, and while the
 * ConfigMap is gone or damaged, what was known last stays: protection is given up only for other
 * protection, and not before {@link #GRACE} is over, so that a ConfigMap that somebody has
 * overwritten opens nothing until the leader has put it right. Safe for any thread.
 */
public final class ProtectedFollower implements AutoCloseable {
  /**
   * For so long what is not told any more stays protected: longer than it takes until another
   * watcher leads.
   */
  public static final Duration GRACE = Duration.ofSeconds(30);

  private final Consumer<List<Part>> listener;
  private final Duration grace;
  private final LongSupplier nanoTicker;
  private final ConfigMapFollower<List<Part>> follower;
  private final Object lock = new Object();

  /** Guarded by {@link #lock}. */
  private List<Part> told = List.of();

  /** What is not told any more, the oldest first. Guarded by {@link #lock}. */
  private final ArrayDeque<Fading> fading = new ArrayDeque<>();

  private volatile List<Part> parts = List.of();
  private volatile boolean closed;

  private record Fading(List<Part> parts, long untilNanos) {}

  private ProtectedFollower(
      ConfigMaps api,
      String release,
      Consumer<List<Part>> listener,
      Duration grace,
      LongSupplier nanoTicker) {
    this.listener = listener;
    this.grace = grace;
    this.nanoTicker = nanoTicker;
    ProtectedConfigMap map = new ProtectedConfigMap(api, release);
    follower =
        ConfigMapFollower.start(
            api,
            new ConfigMapFollower.Followed<>(
                map.name(), map.selector(), stored -> List.copyOf(map.read(stored)), List.of()),
            this::told);
  }

  /**
   * Begins to follow.
   *
   * @param release full name of the release
   * @param listener is told of every change of {@link #parts}, on a thread of this
   */
  public static ProtectedFollower start(
      ConfigMaps api, String release, Consumer<List<Part>> listener) {
    return start(api, release, listener, GRACE, System::nanoTime);
  }

  /** As the other, with another grace. */
  static ProtectedFollower start(
      ConfigMaps api,
      String release,
      Consumer<List<Part>> listener,
      Duration grace,
      LongSupplier nanoTicker) {
    return new ProtectedFollower(api, release, listener, grace, nanoTicker);
  }

  private void told(List<Part> now) {
    synchronized (lock) {
      List<Part> gone = without(told, now);
      told = now;
      if (!gone.isEmpty()) {
        fading.add(new Fading(gone, nanoTicker.getAsLong() + grace.toNanos()));
        CompletableFuture.delayedExecutor(grace.toNanos(), TimeUnit.NANOSECONDS)
            .execute(this::expire);
      }
      tell();
    }
  }

  private void expire() {
    synchronized (lock) {
      if (!closed) {
        tell();
      }
    }
  }

  /** Tells all that is told, and what was until a short while ago. */
  private void tell() {
    long now = nanoTicker.getAsLong();
    fading.removeIf(old -> old.untilNanos() - now <= 0);
    List<Part> all = new ArrayList<>(told);
    fading.forEach(old -> all.addAll(without(old.parts(), all)));
    if (!all.equals(parts)) {
      parts = List.copyOf(all);
      listener.accept(parts);
    }
  }

  /** What some parts protect and others do not. */
  private static List<Part> without(List<Part> some, List<Part> others) {
    PrefixSet known = ProtectedPrefixes.of(others).prefixes();
    return some.stream()
        .map(part -> new Part(part.kind(), part.detail(), part.prefixes().minus(known)))
        .filter(part -> !part.prefixes().isEmpty())
        .toList();
  }

  /** What is protected, as far as is known; nothing before it was read once. */
  public List<Part> parts() {
    return parts;
  }

  /** Whether it was looked at once: there may have been none. */
  public boolean isRead() {
    return follower.isRead();
  }

  /** Why it is not followed at the moment; empty: it is. */
  public String problem() {
    return follower.problem();
  }

  @Override
  public void close() {
    closed = true;
    follower.close();
  }
}
