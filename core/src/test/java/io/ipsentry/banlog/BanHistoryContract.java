package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What every {@link BanHistory} promises; an implementation's test extends it. */
public abstract class BanHistoryContract {
  /** A new log, empty, that is a {@link BanHistory}; closed by the caller. */
  protected abstract BanLog create();

  @Test
  final void history_ofAPrefix_isWhatOverlapsNewestFirst() {
    Random random = new Random(4);
    List<BanEvent> events = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      IpPrefix ip = randomPrefix(random);
      events.add(
          switch (i % 5) {
            case 0 -> new BanEvent.Unban(TestEvents.T0, ip, "cli", "");
            case 1 -> new BanEvent.Allow(TestEvents.T0, ip, null, "cli", "");
            case 2 -> new BanEvent.Disallow(TestEvents.T0, ip, "cli", "");
            case 3 -> new BanEvent.Feed(TestEvents.T0, "drop", "sha256:00", i, "");
            default -> TestEvents.ban(ip.toString(), "reason-" + i);
          });
    }
    try (BanLog log = create()) {
      log.append(0, events);
      BanHistory history = (BanHistory) log;
      List<SequencedEvent> newestFirst = log.read(1, 500).reversed();
      assertThat(history.history(BanHistory.FROM_NEWEST, 1_000)).isEqualTo(newestFirst);
      assertThat(history.history(101, 3))
          .extracting(SequencedEvent::seq)
          .containsExactly(100L, 99L, 98L);

      for (int i = 0; i < 100; i++) {
        IpPrefix ip = randomPrefix(random);
        List<SequencedEvent> expected =
            newestFirst.stream()
                .filter(e -> AppendChecks.prefixOf(e.event()).filter(ip::overlaps).isPresent())
                .toList();
        List<SequencedEvent> paged = new ArrayList<>();
        List<SequencedEvent> page = history.history(ip, BanHistory.FROM_NEWEST, 7);
        while (!page.isEmpty()) {
          paged.addAll(page);
          page = history.history(ip, page.getLast().seq(), 7);
        }
        assertThat(paged).as("%s", ip).isEqualTo(expected);
        assertThat(history.lastBan(ip))
            .as("%s", ip)
            .isEqualTo(
                newestFirst.stream()
                    .map(SequencedEvent::event)
                    .filter(e -> e instanceof BanEvent.Ban ban && ban.ip().equals(ip))
                    .map(BanEvent.Ban.class::cast)
                    .findFirst());
      }
    }
  }

  private static IpPrefix randomPrefix(Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> IpPrefix.parse("::/0").truncate(random.nextInt(3));
      case 1 -> IpPrefix.parse("0.0.0.0/0");
      case 2, 3 -> IpPrefix.of(0x2001_0db8L << 32, random.nextInt(3), 60 + random.nextInt(69));
      default -> IpPrefix.ofV4(0xcb00_7100 | random.nextInt(16)).truncate(28 + random.nextInt(5));
    };
  }
}
