package io.ipsentry.kubernetes.auth;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Answers of the API server, kept for a short while: yes for {@link #YES}, no for {@link #NO}, at
 * most {@value #MAX_ENTRIES} of each, so that whoever guesses does not push out those who are
 * known. Beyond it the oldest goes.
 *
 * <p>The same question asked by many at once is put once. At most {@value #MAX_AT_ONCE} questions
 * are put at once; who finds no place within {@link #PATIENCE} is told that there is no answer.
 * That there is no answer is not kept. Safe for any thread.
 */
final class ReviewCache<V> {
  /** How long somebody may go on whose rights were taken away. */
  static final Duration YES = Duration.ofSeconds(10);

  /** How long somebody waits for rights that were given. */
  static final Duration NO = Duration.ofSeconds(2);

  static final int MAX_ENTRIES = 2_048;
  static final int MAX_AT_ONCE = 16;

  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final Predicate<V> isYes;
  private final LongSupplier ticker;
  private final Map<String, Entry<V>> yes = new LinkedHashMap<>();
  private final Map<String, Entry<V>> no = new LinkedHashMap<>();
  private final ConcurrentHashMap<String, CompletableFuture<V>> asked = new ConcurrentHashMap<>();
  private final Semaphore places = new Semaphore(MAX_AT_ONCE);

  private record Entry<V>(V value, long expires) {}

  /**
   * @param isYes whether an answer is a yes
   * @param ticker elapsed nanoseconds
   */
  ReviewCache(Predicate<V> isYes, LongSupplier ticker) {
    this.isYes = isYes;
    this.ticker = ticker;
  }

  /**
   * The answer to a question.
   *
   * @param question of bounded length; equal questions have equal answers
   * @param ask puts it to the API server
   * @throws ApiServerException if there is no answer
   */
  V get(String question, Supplier<V> ask) {
    V kept = kept(question);
    if (kept != null) {
      return kept;
    }
    CompletableFuture<V> mine = new CompletableFuture<>();
    CompletableFuture<V> before = asked.putIfAbsent(question, mine);
    if (before != null) {
      return joined(before);
    }
    try {
      V answer = put(ask);
      keep(question, answer);
      mine.complete(answer);
      return answer;
    } catch (RuntimeException e) {
      mine.completeExceptionally(e);
      throw e;
    } finally {
      asked.remove(question, mine);
      // An Error goes through this thread; others must not wait for ever.
      boolean ignored =
          mine.completeExceptionally(
              new ApiServerException(
                  ApiServerException.Reason.UNAVAILABLE, "whoever asked has failed", null));
    }
  }

  private static <V> V joined(CompletableFuture<V> answer) {
    try {
      return answer.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof ApiServerException away) {
        throw new ApiServerException(away.reason(), String.valueOf(away.getMessage()), away);
      }
      throw e;
    }
  }

  private V put(Supplier<V> ask) {
    try {
      if (!places.tryAcquire(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new ApiServerException(
            Reason.UNAVAILABLE, "too many callers are being looked at; try again", null);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ApiServerException(Reason.UNAVAILABLE, "interrupted", e);
    }
    try {
      return ask.get();
    } finally {
      places.release();
    }
  }

  private synchronized @Nullable V kept(String question) {
    for (Map<String, Entry<V>> entries : List.of(yes, no)) {
      Entry<V> entry = entries.get(question);
      if (entry != null) {
        if (entry.expires() - ticker.getAsLong() > 0) {
          return entry.value();
        }
        entries.remove(question);
      }
    }
    return null;
  }

  private synchronized void keep(String question, V answer) {
    boolean good = isYes.test(answer);
    Map<String, Entry<V>> entries = good ? yes : no;
    entries.remove(question);
    if (entries.size() >= MAX_ENTRIES) {
      entries.remove(entries.keySet().iterator().next());
    }
    entries.put(question, new Entry<>(answer, ticker.getAsLong() + (good ? YES : NO).toNanos()));
  }

  /** Answers that are kept, old ones too. */
  synchronized int size() {
    return yes.size() + no.size();
  }
}
