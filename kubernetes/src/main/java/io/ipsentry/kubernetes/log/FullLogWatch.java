package io.ipsentry.kubernetes.log;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.DelegatingBanLog;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows whether a log takes events or is full, and says when that changes. While it is full, it is
 * asked no more often than each {@link #RETRY}, however many events wait. As safe as the log.
 */
public final class FullLogWatch extends DelegatingBanLog {
  /** Between two attempts on a full log. */
  static final Duration RETRY = Duration.ofSeconds(1);

  /** When nobody has wanted to write for so long, it is not known to be full. */
  static final Duration FORGET = Duration.ofMinutes(1);

  private static final Logger logger = LoggerFactory.getLogger(FullLogWatch.class);

  private final Consumer<String> whenFull;
  private final LongSupplier nanoTicker;
  private volatile @Nullable Refused refused;

  /**
   * @param at when the log said so last, nanoseconds
   */
  private record Refused(String reason, long at) {}

  /**
   * @param log stays the caller's to close
   * @param whenFull is told why, once each time it becomes full; must not wait
   * @param nanoTicker elapsed time, nanoseconds
   */
  public FullLogWatch(BanLog log, Consumer<String> whenFull, LongSupplier nanoTicker) {
    super(log);
    this.whenFull = whenFull;
    this.nanoTicker = nanoTicker;
  }

  /** Why the log takes nothing; empty: it does, as far as is known. */
  public String reason() {
    Refused last = refused;
    return last == null || nanoTicker.getAsLong() - last.at() >= FORGET.toNanos()
        ? ""
        : last.reason();
  }

  @Override
  public AppendResult append(long expectedHead, List<BanEvent> events) {
    Refused last = refused;
    if (last != null && !events.isEmpty() && nanoTicker.getAsLong() - last.at() < RETRY.toNanos()) {
      return new AppendResult.Full(last.reason());
    }
    AppendResult result = super.append(expectedHead, events);
    switch (result) {
      case AppendResult.Full full -> {
        boolean isNews = reason().isEmpty();
        refused = new Refused(full.reason(), nanoTicker.getAsLong());
        if (isNews) {
          logger
              .atError()
              .addKeyValue("cause", full.reason())
              .log("the ban log is full: no ban is added; those that are known stay in force");
          whenFull.accept(full.reason());
        }
      }
      case AppendResult.Appended appended -> {
        if (last != null && !events.isEmpty()) {
          refused = null;
          logger.atInfo().addKeyValue("head", appended.head()).log("the ban log takes bans again");
        }
      }
      case AppendResult.Conflict conflict ->
          logger.atTrace().addKeyValue("head", conflict.head()).log("conflict");
    }
    return result;
  }

  /** Leaves the log open. */
  @Override
  public void close() {}
}
