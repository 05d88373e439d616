package io.ipsentry.watcher.metrics;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.DelegatingBanLog;
import java.util.List;
import java.util.function.LongSupplier;

/** A ban log that measures how long each append took that wrote something. As safe as the log. */
public final class TimedBanLog extends DelegatingBanLog {
  private final LatencyHistogram appends;
  private final LongSupplier nanoTicker;

  /**
   * @param appends is told the time of each append that went in
   * @param nanoTicker elapsed time, nanoseconds
   */
  public TimedBanLog(BanLog log, LatencyHistogram appends, LongSupplier nanoTicker) {
    super(log);
    this.appends = appends;
    this.nanoTicker = nanoTicker;
  }

  @Override
  public AppendResult append(long expectedHead, List<BanEvent> events) {
    long began = nanoTicker.getAsLong();
    AppendResult result = super.append(expectedHead, events);
    if (!events.isEmpty() && result instanceof AppendResult.Appended) {
      appends.recordNanos(nanoTicker.getAsLong() - began);
    }
    return result;
  }
}
