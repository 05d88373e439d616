package io.ipsentry.line;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimestampTest {
  private static final long SEED = 20_261_121;
  private static final int ROUNDS = 20_000;
  private static final DateTimeFormatter CLF =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss xx", Locale.ROOT);
  private static final DateTimeFormatter SYSLOG =
      DateTimeFormatter.ofPattern("MMM ppd HH:mm:ss", Locale.ROOT);

  private final TimestampFormat any = new AnyTimestamp(Lines.utc());

  @Test
  void parse_randomInstants_agreeWithJavaTime() {
    Random random = new Random(SEED);
    for (int i = 0; i < ROUNDS; i++) {
      // 1900 to 2200, offsets of whole minutes up to 18 hours.
      Instant at = Instant.ofEpochMilli((long) (random.nextDouble() * 9.46e12 - 2.2e12));
      ZoneOffset offset = ZoneOffset.ofTotalSeconds((random.nextInt(2_161) - 1_080) * 60);
      OffsetDateTime local = at.atOffset(offset);
      String clf = CLF.format(local);
      assertThat(parse(clf)).as(clf).isEqualTo(at.toEpochMilli() / 1000 * 1000 - correction(at));
      String iso = DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(local);
      if (local.getSecond() > 0 || local.getNano() > 0) {
        assertThat(parse(iso)).as(iso).isEqualTo(at.toEpochMilli());
        assertThat(parse(iso.replace('T', ' '))).as(iso).isEqualTo(at.toEpochMilli());
      }
      if (at.toEpochMilli() >= 0 && at.getEpochSecond() < 100_000_000_000L) {
        String epoch = "%d.%03d".formatted(at.getEpochSecond(), at.toEpochMilli() % 1000);
        assertThat(parse(epoch)).as(epoch).isEqualTo(at.toEpochMilli());
      }
    }
  }

  /** Stamps before 1970 are cut towards the past, division towards 0. */
  private static long correction(Instant at) {
    return at.toEpochMilli() < 0 && at.toEpochMilli() % 1000 != 0 ? 1000 : 0;
  }

  @ParameterizedTest
  @CsvSource({
    "2026-11-21T07:00:00Z, 2026-11-21T07:00:00Z",
    "2026-11-21t07:00:00z, 2026-11-21T07:00:00Z",
    "2026-11-21T07:00:00.123456789+01:00, 2026-11-21T06:00:00.123Z",
    "'2026-11-21 07:00:00,5 +0130', 2026-11-21T05:30:00.500Z",
    "2026-11-21T07:00:00-08, 2026-11-21T15:00:00Z",
    "2026-11-21T07:00:00, 2026-11-21T07:00:00Z",
    "2026-11-21T23:59:60Z, 2026-11-21T23:59:59Z",
    "2024-02-29T00:00:00Z, 2024-02-29T00:00:00Z",
    "21/Nov/2026:07:00:00 +0000, 2026-11-21T07:00:00Z",
    "31/dec/2026:23:59:60 -0100, 2027-01-01T00:59:59Z",
    "1795244400, 2026-11-21T07:00:00Z",
    "1795244400.1239999, 2026-11-21T07:00:00.123Z",
    "1795244400123, 2026-11-21T07:00:00.123Z",
    "1795244400123456, 2026-11-21T07:00:00.123Z",
    "1795244400123456789, 2026-11-21T07:00:00.123Z",
    "Nov 21 07:00:00, 2026-11-21T07:00:00Z",
    "Nov  1 07:00:00.25, 2026-11-01T07:00:00.250Z"
  })
  void parse_knownForms_areRead(String text, Instant expected) {
    assertThat(Instant.ofEpochMilli(parse(text))).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-",
        "2026-11-21",
        "2026-11-21T07:00",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T07:60:00Z",
        "2026-11-21T07:00:61Z",
        "2026-11-21T07:00:00.Z",
        "2026-11-21T07:00:00X",
        "2026-11-21T07:00:00+19:00",
        "2026-11-21T07:00:00+1:00",
        "2026/11/21 07:00:00",
        "30/Feb/2026:07:00:00 +0000",
        "21/Foo/2026:07:00:00 +0000",
        "21/Nov/2026:07:00:00 +00:0",
        "21/Nov/2026 07:00:00 +0000",
        "1795244400.12x",
        "17952444001234567890123",
        "-5",
        "Nov 31 07:00:00",
        "Foo 21 07:00:00",
        "Nov 21 07:00:0x",
        "Nov 21 07:00:00.",
        "now"
      })
  void parse_somethingElse_isNoTime(String text) {
    assertThat(parse(text)).isEqualTo(RequestFacts.NO_TIME);
  }

  @ParameterizedTest
  @CsvSource({
    "2027-01-01T00:00:05Z, Dec 31 23:59:59, 2026-12-31T23:59:59Z",
    "2026-12-31T23:59:59Z, Jan  1 00:00:01, 2027-01-01T00:00:01Z",
    "2026-11-21T07:00:00Z, Nov 21 07:00:10, 2026-11-21T07:00:10Z",
    "2026-11-21T07:00:00Z, Nov 22 06:59:59, 2026-11-22T06:59:59Z",
    "2026-11-21T07:00:00Z, Nov 22 07:00:01, 2025-11-22T07:00:01Z",
    "2026-11-21T07:00:00Z, Feb 29 00:00:00, 2024-02-29T00:00:00Z",
    "2101-01-01T00:00:00Z, Feb 29 00:00:00, 2096-02-29T00:00:00Z",
    "2104-01-01T00:00:00Z, Feb 29 00:00:00, 2096-02-29T00:00:00Z"
  })
  void parse_syslog_findsTheYear(Instant reference, String text, Instant expected) {
    LocalZone zone = new LocalZone(ZoneOffset.UTC, InstantSource.fixed(reference));
    assertThat(Instant.ofEpochMilli(parse(new SyslogTimestamp(zone), text))).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"})
  void parse_localTimes_agreeWithJavaTime(String zoneName) {
    ZoneId zone = ZoneId.of(zoneName);
    Random random = new Random(SEED);
    Instant reference = Instant.parse("2026-11-21T07:00:00Z");
    for (int i = 0; i < ROUNDS / 10; i++) {
      // A fresh zone each time, so that no stamp before it decides an hour that comes twice.
      TimestampFormat format =
          new SyslogTimestamp(new LocalZone(zone, InstantSource.fixed(reference)));
      LocalDateTime local =
          LocalDateTime.ofInstant(reference, zone)
              .minusSeconds(random.nextInt(360 * 86_400))
              .withNano(0);
      assertThat(Instant.ofEpochMilli(parse(format, SYSLOG.format(local))))
          .as("%s in %s, seed %d", local, zone, SEED)
          .isEqualTo(local.atZone(zone).toInstant());
    }
  }

  @Test
  void parse_clocksGoBack_staysInOrder() {
    ZoneId berlin = ZoneId.of("Europe/Berlin");
    // Read a week later: every ten minutes from 01:30 CEST on, over the hour that comes twice.
    TimestampFormat format =
        new SyslogTimestamp(
            new LocalZone(berlin, InstantSource.fixed(Instant.parse("2026-11-01T00:00:00Z"))));
    Instant at = Instant.parse("2026-10-24T23:30:00Z");
    for (int i = 0; i < 24; i++) {
      String text = SYSLOG.format(at.atZone(berlin));
      assertThat(Instant.ofEpochMilli(parse(format, text))).as(text).isEqualTo(at);
      at = at.plusSeconds(600);
    }
  }

  @Test
  void parse_clocksGoBackLive_followsTheClock() {
    ZoneId berlin = ZoneId.of("Europe/Berlin");
    for (String now : new String[] {"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"}) {
      Instant reference = Instant.parse(now);
      TimestampFormat format =
          new SyslogTimestamp(new LocalZone(berlin, InstantSource.fixed(reference)));
      assertThat(Instant.ofEpochMilli(parse(format, "Oct 25 02:30:00"))).isEqualTo(reference);
    }
  }

  @Test
  void parse_clocksGoForward_movesOnByTheGap() {
    ZoneId berlin = ZoneId.of("Europe/Berlin");
    TimestampFormat format = new SyslogTimestamp(new LocalZone(berlin, Lines.CLOCK));
    assertThat(Instant.ofEpochMilli(parse(format, "Mar 29 02:30:00")))
        .isEqualTo(ZonedDateTime.of(2026, 3, 29, 3, 30, 0, 0, berlin).toInstant());
  }

  private long parse(String text) {
    return parse(any, text);
  }

  private static long parse(TimestampFormat format, String text) {
    byte[] b = Lines.bytes("<" + text + ">");
    return format.parse(b, 1, b.length - 1);
  }
}
