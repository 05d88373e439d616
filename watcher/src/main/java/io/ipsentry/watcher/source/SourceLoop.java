package io.ipsentry.watcher.source;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Polls all sources on one thread, each in its turn, and sleeps when there is nothing to read.
 *
 * <pre>{@code
 * while (running) {
 *   if (!loop.poll()) {
 *     loop.awaitWork(Duration.ofSeconds(1));
 *   }
 * }
 * }</pre>
 *
 * <p>Changes in the watched directories end the sleep (inotify), and so do sources with a reader of
 * their own. Without either (network file systems, inotify limits reached) the sleep ends after
 * {@link #MAX_WAIT}. The caller keeps and closes the sources. Confined to the polling thread, save
 * {@link #wakeUp()}.
 */
public final class SourceLoop implements AutoCloseable {
  /** No sleep is longer, so a change that nothing announces is noticed within this time. */
  public static final Duration MAX_WAIT = Duration.ofMillis(250);

  /** A source reads about this much in its turn, so that a busy one starves no other. */
  static final int TURN_BYTES = 1 << 20;

  /** Watches are renewed this often: a directory may have been replaced by another of its name. */
  private static final Duration RENEW_WATCHES = Duration.ofSeconds(30);

  private final DirectoryWatch watch;
  private final LongSupplier nanoTicker;
  private List<LineSource> sources = List.of();
  private long renewedAt;

  /**
   * Starts watching; the first {@link #poll()} reads.
   *
   * @throws IOException if the system gives no watch service
   */
  public SourceLoop(List<? extends LineSource> sources) throws IOException {
    this(sources, System::nanoTime);
  }

  SourceLoop(List<? extends LineSource> sources, LongSupplier nanoTicker) throws IOException {
    this.nanoTicker = nanoTicker;
    watch = DirectoryWatch.start();
    renewedAt = nanoTicker.getAsLong();
    replaceSources(sources);
  }

  /** Polls these sources from now on, as after a new configuration; closes none of the others. */
  public void replaceSources(List<? extends LineSource> now) {
    sources = List.copyOf(now);
    for (LineSource source : sources) {
      source.onReady(watch::signal);
    }
  }

  /** The sources in the order of their turns. */
  public List<LineSource> sources() {
    return sources;
  }

  /**
   * Gives every source one turn.
   *
   * @return true when a source has more at once
   */
  public boolean poll() {
    watch.deliver(sources);
    boolean more = false;
    for (LineSource source : sources) {
      more |= source.poll(TURN_BYTES);
    }
    watchDirectories();
    return more;
  }

  /**
   * Sleeps until there may be something to read, at most {@code timeout} and at most {@link
   * #MAX_WAIT}. Returns at once for what happened since the last {@link #poll()} began.
   */
  public void awaitWork(Duration timeout) throws InterruptedException {
    Duration wait = timeout.compareTo(MAX_WAIT) < 0 ? timeout : MAX_WAIT;
    watch.await(wait);
  }

  /** Ends the sleep, present or next. Safe for any thread. */
  public void wakeUp() {
    watch.signal();
  }

  private void watchDirectories() {
    List<Set<Path>> wanted = new ArrayList<>(sources.size());
    for (LineSource source : sources) {
      wanted.add(source.directories());
    }
    long now = nanoTicker.getAsLong();
    boolean renew = now - renewedAt >= RENEW_WATCHES.toNanos();
    if (renew) {
      renewedAt = now;
    }
    watch.directories(wanted, renew);
  }

  @Override
  public void close() {
    watch.close();
  }
}
