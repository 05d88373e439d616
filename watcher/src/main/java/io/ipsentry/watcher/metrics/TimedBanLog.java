package io.ipsentry.watcher.metrics;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLog;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/** A ban log that measures how long each append took that wrote something. As safe as the log. */
public final class TimedBanLog implements BanLog {
  private final BanLog log;
  private final LatencyHistogram appends;
  private final LongSupplier nanoTicker;

  /**
   * @param appends is told the time of each append that went in
   * @param nanoTicker elapsed time, nanoseconds
   */
  public TimedBanLog(BanLog log, LatencyHistogram appends, LongSupplier nanoTicker) {
    this.log = log;
    this.appends = appends;
    this.nanoTicker = nanoTicker;
  }

  @Override
  public AppendResult append(long expectedHead, List<BanEvent> events) {
    long began = nanoTicker.getAsLong();
    AppendResult result = log.append(expectedHead, events);
    if (!events.isEmpty() && result instanceof AppendResult.Appended) {
      appends.recordNanos(nanoTicker.getAsLong() - began);
    }
    return result;
  }

  @Override
  public List<SequencedEvent> read(long from, int max) {
    return log.read(from, max);
  }

  @Override
  public Optional<ActiveBans> snapshot(Instant upTo, ActiveBans.Limits limits) {
    return log.snapshot(upTo, limits);
  }

  @Override
  public Subscription follow(long from, Sink sink) {
    return log.follow(from, sink);
  }

  @Override
  public String id() {
    return log.id();
  }

  @Override
  public long head() {
    return log.head();
  }

  @Override
  public long knownHead() {
    return log.knownHead();
  }

  @Override
  public void close() {
    log.close();
  }
}
