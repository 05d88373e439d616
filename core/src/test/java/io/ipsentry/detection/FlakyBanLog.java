package io.ipsentry.detection;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** A log whose appends end as a test says. Reading always works. */
final class FlakyBanLog implements BanLog {
  enum Outcome {
    WORKS,
    FULL,
    /** Nothing is written. */
    FAILS,
    /** It is written, but nobody hears of it. */
    ANSWER_LOST
  }

  private final BanLog log;
  private volatile Outcome outcome = Outcome.WORKS;

  FlakyBanLog(BanLog log) {
    this.log = log;
  }

  void outcome(Outcome now) {
    outcome = now;
  }

  @Override
  public AppendResult append(long expectedHead, List<BanEvent> events) {
    return switch (outcome) {
      case WORKS -> log.append(expectedHead, events);
      case FULL -> new AppendResult.Full("the test says so");
      case FAILS -> throw BanLogException.transientFailure("the test says so");
      case ANSWER_LOST -> {
        log.append(expectedHead, events);
        throw BanLogException.transientFailure("the answer is lost");
      }
    };
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
  public void close() {
    log.close();
  }
}
