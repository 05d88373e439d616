package io.ipsentry.kubernetes.blocklist;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class ShownBansTest {
  private static final Instant T0 = Instant.parse("2026-11-21T07:00:00.123Z");

  private final ActiveBans state = new ActiveBans();

  @Test
  void document_ofBans_isOneLineEachAndTheVersionLast() {
    ban("203.0.113.7", T0.plusSeconds(86_400), "^/wp-admin");
    ban("2001:db8::/64", null, "caf\u00e9 \"1\"");

    assertThat(ShownBans.of(state, T0.plusSeconds(1)).document())
        .isEqualTo(
            """
            {
              "203.0.113.7": {"banned_at":"2026-11-21T07:00:00Z",\
            "expires_at":"2026-11-22T07:00:00Z","reason":"^/wp-admin","hit_count":3},
              "2001:db8::/64": {"banned_at":"2026-11-21T07:00:00Z",\
            "expires_at":"9999-12-31T23:59:59Z","reason":"caf\\u00E9 \\"1\\"","hit_count":3},
              "_version": {"banned_at":"2026-11-21T07:00:01Z",\
            "expires_at":"1970-01-01T00:00:00Z",\
            "reason":"document version; keep this entry","hit_count":2}
            }
            """);
  }

  @Test
  void document_ofNobody_isTheVersion() {
    assertThat(ShownBans.of(state, T0).document())
        .isEqualTo(
            """
            {
              "_version": {"banned_at":"2026-11-21T07:00:00Z",\
            "expires_at":"1970-01-01T00:00:00Z",\
            "reason":"document version; keep this entry","hit_count":0}
            }
            """);
  }

  @Test
  void document_readAgain_saysWhatIsShown() {
    ban("203.0.113.7", T0.plusSeconds(86_400), "^/wp-admin");
    ban("203.0.113.8", null, "line\nbreak \uD83D\uDE00");
    ShownBans shown = ShownBans.of(state, T0);

    WrittenDocument read = WrittenDocument.read(shown.document());

    assertThat(read.complaints().kept()).isEmpty();
    assertThat(read.stamp()).isEqualTo(shown.stamp());
    assertThat(read.entries().keySet()).isEqualTo(shown.bans().keySet());
    assertThat(read.entries().get(IpPrefix.parse("203.0.113.8")))
        .isEqualTo(new WrittenDocument.Entry(BanEvent.MAX_TIME, "line\nbreak \uD83D\uDE00", 3));
  }

  @Test
  void of_scopedAllowedAndEnded_areNotShown() {
    ban("203.0.113.1", T0.plusSeconds(5), "ends");
    apply(
        new BanEvent.Ban(
            T0,
            IpPrefix.parse("203.0.113.2"),
            null,
            "rule",
            "one policy",
            1,
            SeenAs.PEER,
            "w",
            1,
            null,
            "shop"));
    ban("203.0.113.3", null, "allowed");
    ban("198.51.100.0/24", null, "holds one that is allowed");
    ban("203.0.113.4", null, "shown");
    apply(new BanEvent.Allow(T0, IpPrefix.parse("203.0.113.3"), null, "cli", ""));
    apply(new BanEvent.Allow(T0, IpPrefix.parse("198.51.100.9"), null, "cli", ""));

    ShownBans shown = ShownBans.of(state, T0.plusSeconds(6));

    assertThat(shown.bans()).containsOnlyKeys(IpPrefix.parse("203.0.113.4"));
    assertThat(shown.active()).isEqualTo(1);
    assertThat(shown.truncated()).isZero();
    assertThat(shown.nextEnd()).isEqualTo(Instant.MAX);
    assertThat(ShownBans.of(state, T0).nextEnd()).isEqualTo("2026-11-21T07:00:06Z");
  }

  @Test
  void of_moreThanThereIsRoomFor_theNewestStay() {
    String reason = "r".repeat(100);
    for (int i = 0; i < 10_000; i++) {
      // From the highest address down, so that the order of the addresses is not that of the bans.
      ban(IpPrefix.ofV4(0xcb00_7100 - i).toString(), T0.plusSeconds(9_000), reason);
    }

    ShownBans shown = ShownBans.of(state, T0);
    int bytes = shown.document().getBytes(StandardCharsets.UTF_8).length;

    assertThat(bytes).isBetween(ShownBans.MAX_BYTES - 600, ShownBans.MAX_BYTES);
    assertThat(shown.active()).isEqualTo(10_000);
    assertThat(shown.truncated()).isEqualTo(10_000 - shown.bans().size());
    assertThat(shown.bans().values())
        .allSatisfy(ban -> assertThat(ban.seq()).isGreaterThan(shown.truncated()));
    assertThat(ShownBans.of(state, T0).document()).isEqualTo(shown.document());
  }

  @Test
  void of_shortEntriesBeyondTheRoom_staysWithinIt() {
    for (int i = 0; i < 8_000; i++) {
      ban(IpPrefix.ofV4(0x0101_0101 + i).toString(), T0.plusSeconds(9_000), "");
    }

    ShownBans shown = ShownBans.of(state, T0);

    assertThat(shown.document().length()).isBetween(ShownBans.MAX_BYTES - 600, ShownBans.MAX_BYTES);
  }

  private void ban(String ip, @Nullable Instant until, String reason) {
    apply(
        new BanEvent.Ban(
            T0,
            IpPrefix.parse(ip),
            until,
            "probing",
            reason,
            3,
            SeenAs.PEER,
            "watcher",
            1,
            null,
            null));
  }

  private void apply(BanEvent event) {
    state.apply(new SequencedEvent(state.head() + 1, event));
  }
}
