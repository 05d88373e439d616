package io.ipsentry.ban;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BanEventJsonTest {
  private static final Instant AT = Instant.parse("2026-11-21T07:00:00.123Z");

  @ParameterizedTest
  @ValueSource(
      strings = {
        """
        {"seq":42,"at":"2026-11-21T07:00:00.123Z","type":"ban","ip":"203.0.113.7",\
        "until":"2026-11-22T07:00:00.123Z","rule":"probing","reason":"^/wp-admin","hits":3,\
        "seen_as":"peer","by":"watcher"}\
        """,
        """
        {"seq":42,"at":"2026-11-21T07:00:00.000Z","type":"ban","ip":"2001:db8::/64","until":null,\
        "rule":"manual","reason":"","hits":0,"seen_as":"manual","by":"cli","offence":3,\
        "evidence_at":"2026-11-21T06:59:59.999Z","scope":"shop","edit":"0c5e/81"}\
        """,
        """
        {"seq":43,"at":"2026-11-21T07:00:00.123Z","type":"unban","ip":"203.0.113.7",\
        "by":"kubectl-edit","reason":"removed by hand"}\
        """,
        """
        {"seq":43,"at":"2026-11-21T07:00:00.123Z","type":"unban","ip":"203.0.113.7",\
        "by":"kubectl-edit","reason":"removed by hand","edit":"0c5e/81"}\
        """,
        """
        {"seq":44,"at":"2026-11-21T07:00:00.123Z","type":"allow","ip":"198.51.100.0/24",\
        "until":null,"by":"cli","reason":"office"}\
        """,
        """
        {"seq":45,"at":"2026-11-21T07:00:00.123Z","type":"disallow","ip":"198.51.100.0/24",\
        "by":"cli"}\
        """,
        """
        {"seq":46,"at":"2026-11-21T07:00:00.123Z","type":"feed","feed":"spamhaus-drop",\
        "digest":"sha256:00ff","entries":1670}\
        """
      })
  void write_everyType_isTheLineOfTheDesign(String line) {
    assertThat(BanEventJson.toLine(BanEventJson.read(line))).isEqualTo(line);
  }

  @Test
  void read_ban_hasEveryField() {
    SequencedEvent read =
        BanEventJson.read(
            """
            {"by":"w","scope":"shop","offence":2,"evidence_at":"2026-11-21T08:00:00.1239+01:00",
             "seen_as":"forwarded","hits":3,"reason":"r","rule":"x","until":null,
             "ip":"::ffff:203.0.113.7","type":"ban","at":"2026-11-21T07:00:00Z","seq":7}
            """);

    assertThat(read)
        .isEqualTo(
            new SequencedEvent(
                7,
                new BanEvent.Ban(
                    Instant.parse("2026-11-21T07:00:00Z"),
                    IpPrefix.parse("203.0.113.7"),
                    null,
                    "x",
                    "r",
                    3,
                    SeenAs.FORWARDED,
                    "w",
                    2,
                    Instant.parse("2026-11-21T07:00:00.123Z"),
                    "shop")));
  }

  @Test
  void read_unknownFields_areIgnored() {
    String line =
        """
        {"later":{"a":[1,{"b":null}]},"seq":1,"at":"2026-11-21T07:00:00Z","type":"unban",\
        "ip":"203.0.113.7","by":"cli","reason":"","more":1e9}\
        """;

    assertThat(BanEventJson.read(line).event())
        .isEqualTo(
            new BanEvent.Unban(
                Instant.parse("2026-11-21T07:00:00Z"), IpPrefix.parse("203.0.113.7"), "cli", ""));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{",
        "{}",
        "null",
        "{\"seq\":1}",
        "{\"seq\":1,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"pardon\",\"ip\":\"203.0.113.7\"}",
        "{\"seq\":0,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"disallow\",\"ip\":\"::1\",\"by\":\"\"}",
        "{\"seq\":1.5,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"disallow\",\"ip\":\"::1\",\"by\":\"\"}",
        "{\"seq\":99999999999999999999,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"disallow\",\"ip\":\"::1\",\"by\":\"\"}",
        "{\"seq\":1,\"at\":\"yesterday\",\"type\":\"disallow\",\"ip\":\"::1\",\"by\":\"\"}",
        "{\"seq\":1,\"at\":\"1969-11-21T07:00:00Z\",\"type\":\"disallow\",\"ip\":\"::1\",\"by\":\"\"}",
        "{\"seq\":1,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"disallow\",\"ip\":\"010.0.0.1\",\"by\":\"\"}",
        "{\"seq\":1,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"disallow\",\"ip\":null,\"by\":\"\"}",
        "{\"seq\":1,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"disallow\",\"ip\":\"::1\"}",
        "{\"seq\":1,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"allow\",\"ip\":\"::1\",\"by\":\"\"}",
        "{\"seq\":1,\"seq\":2,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"disallow\",\"ip\":\"::1\",\"by\":\"\"}",
        "{\"seq\":1,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"disallow\",\"ip\":\"::1\",\"by\":\"\"}"
            + " {}",
        "{\"seq\":1,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"feed\",\"feed\":\"\",\"digest\":\"d\",\"entries\":1}",
        "{\"seq\":1,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"ban\",\"ip\":\"::1\",\"until\":null,\"rule\":\"\",\"reason\":\"\",\"hits\":-1,\"seen_as\":\"peer\",\"by\":\"\"}",
        "{\"seq\":1,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"ban\",\"ip\":\"::1\",\"until\":null,\"rule\":\"\",\"reason\":\"\",\"hits\":1,\"seen_as\":\"guess\",\"by\":\"\"}",
        "{\"seq\":1,\"at\":\"2026-11-21T07:00:00Z\",\"type\":\"ban\",\"ip\":\"::1\",\"until\":null,\"rule\":\"\",\"reason\":\"\",\"hits\":1,\"seen_as\":\"peer\",\"by\":\"\",\"offence\":0}",
      })
  void read_anythingElse_isRefusedWithTheReason(String line) {
    assertThatThrownBy(() -> BanEventJson.read(line))
        .isInstanceOf(InvalidEventException.class)
        .hasMessageStartingWith("not a ban event: ");
  }

  @Test
  void read_tooLongLine_isRefused() {
    byte[] line = new byte[BanEventJson.MAX_LINE_BYTES + 1];

    assertThatThrownBy(() -> BanEventJson.read(line)).hasMessageContaining("65537 bytes");
  }

  @Test
  void roundTrip_randomBans_isExact() {
    long seed = 7;
    Random random = new Random(seed);
    for (int i = 0; i < 2_000; i++) {
      BanEvent.Ban ban =
          new BanEvent.Ban(
              randomTime(random),
              IpPrefix.of(random.nextLong(), random.nextLong(), random.nextInt(129)),
              random.nextBoolean() ? null : randomTime(random),
              randomText(random, 80),
              randomText(random, 600),
              random.nextInt(Integer.MAX_VALUE),
              List.of(SeenAs.values()).get(random.nextInt(4)),
              randomText(random, 70),
              1 + random.nextInt(5),
              random.nextBoolean() ? null : randomTime(random),
              random.nextBoolean() ? null : randomText(random, 70));
      SequencedEvent event = new SequencedEvent(1 + random.nextInt(1_000_000), ban);
      byte[] line = BanEventJson.toBytes(event);

      assertThat(BanEventJson.read(line)).as("seed %d, %d", seed, i).isEqualTo(event);
      assertThat(line).doesNotContain('\n').hasSizeLessThan(BanEventJson.MAX_LINE_BYTES);
    }
  }

  @Test
  void ban_longTexts_areCutWithAnEllipsis() {
    BanEvent.Unban unban =
        new BanEvent.Unban(AT, IpPrefix.parse("::1"), "b".repeat(65), "r".repeat(510) + "😀😀");

    assertThat(unban.by()).isEqualTo("b".repeat(63) + "…");
    assertThat(unban.reason()).isEqualTo("r".repeat(510) + "…").hasSizeLessThanOrEqualTo(512);
    assertThat(new BanEvent.Unban(AT, IpPrefix.parse("::1"), "\ud800x", "").by()).isEqualTo("?x");
  }

  @Test
  void ban_untilBehindTheYear9999_isPermanent() {
    BanEvent.Allow allow = new BanEvent.Allow(AT, IpPrefix.parse("::1"), Instant.MAX, "", "");

    assertThat(allow.until()).isNull();
    assertThatThrownBy(() -> new BanEvent.Unban(Instant.MAX, IpPrefix.parse("::1"), "", ""))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static Instant randomTime(Random random) {
    return Instant.ofEpochMilli(random.nextLong(253_402_300_799_000L))
        .plusNanos(random.nextInt(999));
  }

  private static String randomText(Random random, int max) {
    int[] codePoints =
        random.ints(random.nextInt(max), 0, random.nextBoolean() ? 128 : 0x1_1000).toArray();
    return new String(codePoints, 0, codePoints.length);
  }
}
