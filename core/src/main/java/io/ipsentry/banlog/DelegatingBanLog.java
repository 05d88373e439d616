package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** A ban log that asks another for everything that a subclass does not do otherwise. */
public abstract class DelegatingBanLog implements BanLog {
  private final BanLog log;

  /**
   * @param log closed with this
   */
  protected DelegatingBanLog(BanLog log) {
    this.log = log;
  }

  @Override
  public AppendResult append(long expectedHead, List<BanEvent> events) {
    return log.append(expectedHead, events);
  }

  @Override
  public List<SequencedEvent> read(long from, int max) {
    return log.read(from, max);
  }

  @Override
  public Subscription follow(long from, Sink sink) {
    return log.follow(from, sink);
  }

  @Override
  public Optional<ActiveBans> snapshot(Instant upTo, ActiveBans.Limits limits) {
    return log.snapshot(upTo, limits);
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
