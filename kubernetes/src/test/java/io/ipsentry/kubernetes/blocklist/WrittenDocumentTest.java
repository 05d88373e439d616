package io.ipsentry.kubernetes.blocklist;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.kubernetes.blocklist.WrittenDocument.Entry;
import io.ipsentry.net.IpPrefix;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class WrittenDocumentTest {
  private static final IpPrefix IP = IpPrefix.parse("203.0.113.7");

  @Test
  void read_thePatchOfTheOriginal_isOneEntryWithoutVersion() {
    WrittenDocument read =
        WrittenDocument.read(
            """
            {"203.0.113.7":{"banned_at":"2026-03-20T00:00:00Z",\
            "expires_at":"2099-01-01T00:00:00Z","reason":"manual","hit_count":1}}\
            """);

    assertThat(read.usable()).isTrue();
    assertThat(read.stamp()).isNull();
    assertThat(read.complaints().isEmpty()).isTrue();
    assertThat(read.entries())
        .containsOnlyKeys(IP)
        .containsValue(new Entry(Instant.parse("2099-01-01T00:00:00Z"), "manual", 1));
  }

  @Test
  void read_onlyAnEnd_isEnough() {
    assertThat(read("{\"expires_at\":\"2099-01-01T00:00:00Z\"}"))
        .isEqualTo(new Entry(Instant.parse("2099-01-01T00:00:00Z"), "", 0));
  }

  @Test
  void read_otherFieldsOfAnyType_areNoFault() {
    assertThat(
            read(
                """
                {"hit_count":"many","reason":{"a":[1,2]},"banned_at":7,"note":[{}],
                 "expires_at":"2099-01-01T00:00:00Z"}\
                """))
        .isEqualTo(new Entry(Instant.parse("2099-01-01T00:00:00Z"), "", 0));
    assertThat(read("{\"expires_at\":\"2099-01-01\",\"hit_count\":99999999999999999999}"))
        .isEqualTo(new Entry(Instant.parse("2099-01-01T00:00:00Z"), "", 0));
    assertThat(read("{\"expires_at\":\"2099-01-01\",\"hit_count\":-4}"))
        .isEqualTo(new Entry(Instant.parse("2099-01-01T00:00:00Z"), "", 0));
  }

  @ParameterizedTest
  @CsvSource({
    "2099-01-01T00:00:00Z, 2099-01-01T00:00:00Z",
    "2099-01-01T00:00:00.999Z, 2099-01-01T00:00:00Z",
    "2099-01-01T02:00:00+02:00, 2099-01-01T00:00:00Z",
    "2098-12-31T22:00:00-02:00, 2099-01-01T00:00:00Z",
    "2099-01-01T00:00:00, 2099-01-01T00:00:00Z",
    "2099-01-01 00:00:00, 2099-01-01T00:00:00Z",
    "2099-01-01, 2099-01-01T00:00:00Z",
    "1066-01-01, 1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z, 9999-12-31T23:59:59Z",
    "+12000-01-01T00:00:00Z, 9999-12-31T23:59:59Z"
  })
  void read_times_asTheOriginalTookThem(String written, String end) {
    assertThat(read("{\"expires_at\":\"" + written + "\"}"))
        .isEqualTo(new Entry(Instant.parse(end), "", 0));
  }

  @Test
  void until_ofTheLastSecond_isNever() {
    assertThat(new Entry(BanEvent.MAX_TIME, "", 0).until()).isNull();
  }

  @Test
  void read_aLineTakenOutAndACommaLeft_isNoFault() {
    WrittenDocument read =
        WrittenDocument.read("{\n\"203.0.113.7\": {\"expires_at\":\"2099-01-01\"},\n}\n");

    assertThat(read.usable()).isTrue();
    assertThat(read.entries()).containsOnlyKeys(IP);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[]|nothing was changed: it is no JSON object",
        "null|nothing was changed: it is no JSON object",
        "' '|nothing was changed: it is empty",
        "{} {}|nothing was changed: something follows the JSON object",
        "{\"203.0.113.7\": {\"expires_at\": 2099-}}|nothing was changed: it is no JSON: line 1,"
            + " column 36",
        "{\"203.0.113.7\": {}|nothing was changed: it is no JSON: line 1",
        "{\"_version\": 7}|nothing was changed: line 1: _version was changed",
        "{\"_version\": {\"hit_count\":7}}|nothing was changed: line 1: _version was changed",
        "{\"_version\": {\"hit_count\":-7,\"banned_at\":\"2026-11-21\"}}|nothing was changed: line"
            + " 1: _version was changed",
      })
  void read_whatIsNoBlocklist_isNotUsableAndSaysWhy(String text, String complaint) {
    WrittenDocument read = WrittenDocument.read(text);

    assertThat(read.usable()).isFalse();
    assertThat(read.entries()).isEmpty();
    assertThat(read.complaints().kept()).singleElement().asString().startsWith(complaint);
  }

  @ParameterizedTest
  @ValueSource(strings = {"true", "\"yes\"", "[1]", "{}", "{\"expires_at\":null}"})
  void read_anEntryThatIsNone_isLeftOutAlone(String entry) {
    WrittenDocument read =
        WrittenDocument.read(
            "{\"203.0.113.7\":" + entry + ",\n\"203.0.113.8\":{\"expires_at\":\"2099-01-01\"}}");

    assertThat(read.usable()).isTrue();
    assertThat(read.entries()).containsOnlyKeys(IpPrefix.parse("203.0.113.8"));
    assertThat(read.unclear()).containsExactly(IP);
    assertThat(read.complaints().kept())
        .singleElement()
        .asString()
        .startsWith("line 1: 203.0.113.7: ")
        .contains("; write ");
  }

  @Test
  void read_badKeysAndTimes_areNamedWithTheirLines() {
    WrittenDocument read =
        WrittenDocument.read(
            """
            {
              "203.0.113.300": {"expires_at":"2099-01-01"},
              "example.org": null,
              "203.0.113.7": {"expires_at":"tomorrow"}
            }\
            """);

    assertThat(read.entries()).isEmpty();
    assertThat(read.complaints().kept())
        .containsExactly(
            "line 2: not an address: \"203.0.113.300\": a number of an IPv4 address is not 0 to"
                + " 255; write it as 192.0.2.1",
            "line 3: not an address: \"example.org\": it has characters that no address has; write"
                + " an address such as 192.0.2.1; names are never looked up",
            "line 4: 203.0.113.7: expires_at is \"tomorrow\"; write a time such as"
                + " 2026-11-21T07:00:00Z, or 9999-12-31T23:59:59Z for ever");
  }

  @Test
  void read_anAddressTwice_theLastHoldsAndItIsSaid() {
    WrittenDocument read =
        WrittenDocument.read(
            """
            {"203.0.113.7": {"expires_at":"2099-01-01"},
             "::ffff:203.0.113.7": {"expires_at":"2098-01-01"},
             "203.0.113.7": null}\
            """);

    assertThat(read.entries()).containsOnlyKeys(IP).containsValue(null);
    assertThat(read.complaints().kept())
        .containsExactly("line 2: 203.0.113.7 stands there twice; the last one holds");
  }

  @Test
  void complaints_ofVeryMany_areCountedAndFitANote() {
    StringBuilder text = new StringBuilder("{");
    for (int i = 0; i < 5_000; i++) {
      text.append("\"\u00e9 no address ").append(i).append("\":1,\n");
    }
    WrittenDocument read = WrittenDocument.read(text.append('}').toString());

    String note = read.complaints().text(BlocklistStore.MAX_NOTE_BYTES);

    assertThat(read.complaints().kept()).hasSize(Complaints.MAX_KEPT);
    assertThat(note).startsWith("line 1: not an address: ").endsWith(" more");
    assertThat(note.getBytes(StandardCharsets.UTF_8).length)
        .isLessThanOrEqualTo(BlocklistStore.MAX_NOTE_BYTES);
    int told = (int) note.lines().count() - 1;
    assertThat(note).endsWith("\nand " + (5_000 - told) + " more");
  }

  /** Of anything it makes a document or a complaint. */
  @Test
  void read_damagedDocuments_neverFails() {
    String whole =
        """
        {
          "203.0.113.7": {"banned_at":"2026-11-21T07:00:00Z","expires_at":"2026-11-22T07:00:00Z","reason":"x","hit_count":3},
          "_version": {"banned_at":"2026-11-21T07:00:01Z","expires_at":"1970-01-01T00:00:00Z","reason":"d","hit_count":42}
        }
        """;
    Random random = new Random(7);
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      StringBuilder damaged = new StringBuilder(whole);
      for (int n = 1 + random.nextInt(3); n > 0 && damaged.length() > 1; n--) {
        int at = random.nextInt(damaged.length());
        switch (random.nextInt(3)) {
          case 0 -> damaged.setCharAt(at, (char) random.nextInt(1, 0x250));
          case 1 -> damaged.deleteCharAt(at);
          default -> damaged.setLength(Math.max(1, at));
        }
      }
      WrittenDocument read = WrittenDocument.read(damaged.toString());
      assertThat(read.usable() || !read.complaints().isEmpty()).as("%s", damaged).isTrue();
      refused += read.usable() ? 0 : 1;
    }
    assertThat(refused).isBetween(1_000, 19_999);
  }

  private static Entry read(String entry) {
    WrittenDocument read = WrittenDocument.read("{\"203.0.113.7\":" + entry + "}");
    assertThat(read.complaints().kept()).isEmpty();
    return Objects.requireNonNull(read.entries().get(IP), entry);
  }
}
