package io.ipsentry.detection;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.DelegatingBanLog;
import java.util.List;

/** A log whose appends end as a test says. Reading always works. */
final class FlakyBanLog extends DelegatingBanLog {
  enum Outcome {
    WORKS,
    FULL,
    /** Nothing is written. */
    FAILS,
    /** It is written, but nobody hears of it. */
    ANSWER_LOST
  }

  private volatile Outcome outcome = Outcome.WORKS;

  FlakyBanLog(BanLog log) {
    super(log);
  }

  void outcome(Outcome now) {
    outcome = now;
  }

  @Override
  public AppendResult append(long expectedHead, List<BanEvent> events) {
    return switch (outcome) {
      case WORKS -> super.append(expectedHead, events);
      case FULL -> new AppendResult.Full("the test says so");
      case FAILS -> throw BanLogException.transientFailure("the test says so");
      case ANSWER_LOST -> {
        super.append(expectedHead, events);
        throw BanLogException.transientFailure("the answer is lost");
      }
    };
  }
}
