package io.ipsentry.kubernetes.blocklist;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.CompactedException;
import io.ipsentry.banlog.DelegatingBanLog;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.kubernetes.blocklist.PastDocuments.Answer;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class PastDocumentsTest {
  private static final Instant T0 = Instant.parse("2026-11-21T07:00:00Z");
  private static final int EVENTS = 60;

  /** What was shown after each event; ten seconds lie between two. */
  private final List<ShownBans> shown = new ArrayList<>();

  private final InMemoryBanLog all = new InMemoryBanLog();

  PastDocumentsTest() {
    ActiveBans state = new ActiveBans();
    shown.add(ShownBans.of(state, T0));
    for (int seq = 1; seq <= EVENTS; seq++) {
      Instant at = T0.plusSeconds(10L * seq);
      BanEvent event =
          new BanEvent.Ban(
              at,
              IpPrefix.ofV4(0xcb00_7100 + seq % 50),
              at.plus(Duration.ofSeconds(seq % 7 * 30L)),
              "probing",
              "",
              1,
              SeenAs.PEER,
              "w",
              1,
              null,
              null);
      assertThat(all.append(seq - 1, List.of(event))).isInstanceOf(AppendResult.Appended.class);
      state.apply(new SequencedEvent(seq, event));
      shown.add(ShownBans.of(state, at.plusSeconds(3)));
    }
  }

  @Test
  void find_everyVersionOfAWholeLog_isWhatWasShown() {
    PastDocuments past = new PastDocuments(all);

    for (ShownBans one : shown) {
      assertThat(past.find(one.stamp())).isEqualTo(new Answer.Known(one));
    }
  }

  @Test
  void find_versionsOfACompactedLog_areWhatWasShownFromTheOlderSnapshotOn() {
    PastDocuments past = new PastDocuments(new CompactedLog(all, 20, 40));

    for (ShownBans one : shown.subList(20, EVENTS + 1)) {
      assertThat(past.find(one.stamp())).isEqualTo(new Answer.Known(one));
    }
    for (ShownBans one : shown.subList(0, 20)) {
      assertThat(past.find(one.stamp()))
          .isEqualTo(
              new Answer.Refused(
                  "version "
                      + one.stamp().version()
                      + ", which it is made from, is no longer kept; open the blocklist again and"
                      + " edit that"));
    }
  }

  @Test
  void find_aVersionAheadOfTheLog_isRefused() {
    assertThat(new PastDocuments(all).find(new DocumentStamp(EVENTS + 1L, T0)))
        .isEqualTo(
            new Answer.Refused(
                "it says that it is made from version 61, but the newest is 60; open the blocklist"
                    + " again and edit that"));
  }

  /**
   * A log of which two snapshots are kept, and the events behind the older one; keeps the promises
   * of the port.
   */
  private static final class CompactedLog extends DelegatingBanLog {
    private final BanLog whole;
    private final int older;
    private final int newer;

    CompactedLog(BanLog whole, int older, int newer) {
      super(whole);
      this.whole = whole;
      this.older = older;
      this.newer = newer;
    }

    @Override
    public List<SequencedEvent> read(long from, int max) {
      if (from <= older) {
        throw new CompactedException(older + 1L);
      }
      return whole.read(from, max);
    }

    @Override
    public Optional<ActiveBans> snapshot(Instant upTo, ActiveBans.Limits limits) {
      for (int head : new int[] {newer, older}) {
        List<SequencedEvent> events = whole.read(1, head);
        if (!events.getLast().event().at().isAfter(upTo)) {
          return Optional.of(ActiveBans.replay(events, Instant.MAX, limits));
        }
      }
      throw new CompactedException(older + 1L);
    }
  }
}
