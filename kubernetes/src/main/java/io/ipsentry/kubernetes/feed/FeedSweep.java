package io.ipsentry.kubernetes.feed;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.feed.FeedRecord;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.kubernetes.duty.Duty;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The duty of deleting contents of feeds that the log names no more. */
public final class FeedSweep implements Duty {
  /** How often it is looked; a look lists all that is stored of feeds. */
  private static final Duration INTERVAL = Duration.ofMinutes(20);

  private static final Logger logger = LoggerFactory.getLogger(FeedSweep.class);

  private final FeedBlobs blobs;
  private final FeedStore store;
  private final ActiveBans state;
  private final LongSupplier nanoTicker;
  private long dueAt;

  /**
   * @param store the contents that its records name are kept, too: the log names none of a feed
   *     that only tags
   * @param state of the log; its feeds are kept
   * @param nanoTicker elapsed time, nanoseconds
   */
  public FeedSweep(FeedBlobs blobs, FeedStore store, ActiveBans state, LongSupplier nanoTicker) {
    this.blobs = blobs;
    this.store = store;
    this.state = state;
    this.nanoTicker = nanoTicker;
    dueAt = nanoTicker.getAsLong();
  }

  @Override
  public String name() {
    return "feeds";
  }

  @Override
  public void step(Duration patience) throws InterruptedException {
    long now = nanoTicker.getAsLong();
    if (now - dueAt < 0) {
      Thread.sleep(Math.min(patience.toMillis(), (dueAt - now) / 1_000_000 + 1));
      return;
    }
    List<FeedState> needed = new ArrayList<>(state.feeds().values());
    for (FeedRecord record : store.records()) {
      if (record.entries() > 0) {
        needed.add(
            new FeedState(
                0,
                new BanEvent.Feed(
                    record.changedAt(), record.feed(), record.digest(), record.entries(), "")));
      }
    }
    int deleted = blobs.sweep(needed);
    dueAt = now + INTERVAL.toNanos();
    if (deleted > 0) {
      logger.atInfo().addKeyValue("configMaps", deleted).log("old contents of feeds deleted");
    }
  }
}
