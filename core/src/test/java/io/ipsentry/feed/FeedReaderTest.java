package io.ipsentry.feed;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.net.PrefixSet;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class FeedReaderTest {
  private static final Instant NOW = Instant.parse("2026-11-26T12:00:00Z");

  private static FeedReading reading(byte[] list, FeedOptions options) {
    return FeedReader.read(new ByteArrayInputStream(list), options, NOW);
  }

  private static FeedReading reading(String list, FeedFormat format) {
    return reading(list.getBytes(UTF_8), FeedOptions.DEFAULT.with(format));
  }

  private static FeedReading.Read read(String list, FeedFormat format) {
    FeedReading reading = reading(list, format);
    assertThat(reading).isInstanceOf(FeedReading.Read.class);
    return (FeedReading.Read) reading;
  }

  private static String refused(String list, FeedFormat format) {
    FeedReading reading = reading(list, format);
    assertThat(reading).isInstanceOf(FeedReading.Refused.class);
    return ((FeedReading.Refused) reading).reason();
  }

  private static PrefixSet prefixes(String... texts) {
    return PrefixSet.parse(texts);
  }

  @ParameterizedTest
  @EnumSource(names = {"AUTO", "PLAIN", "CIDR", "NETSET", "BLOCKLIST_DE", "ABUSEIPDB"})
  void read_lines_takesAddressesAndLeavesCommentsOut(FeedFormat format) {
    String list =
        """
        # Name: a list
        ; of all kinds

        192.0.2.1
        198.51.100.0/24 ; SBL1
          203.0.113.7\t# with blanks\r
        2001:db8::/32
        2001:db8::1
        ::ffff:192.0.2.2\
        """;

    FeedReading.Read read = read(list, format);

    assertThat(read.content().at(NOW))
        .isEqualTo(
            prefixes("192.0.2.1", "192.0.2.2", "198.51.100.0/24", "203.0.113.7", "2001:db8::/32"));
    assertThat(read.taken()).isEqualTo(6);
    assertThat(read.bad()).isZero();
    assertThat(read.content().nextEnd(NOW)).isEmpty();
  }

  @Test
  void read_byteOrderMarkAndGzip_areUnderstood() throws IOException {
    byte[] list = "\ufeff192.0.2.1\n".getBytes(UTF_8);
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(compressed)) {
      gzip.write(list);
    }

    assertThat(reading(list, FeedOptions.DEFAULT))
        .isEqualTo(reading(compressed.toByteArray(), FeedOptions.DEFAULT))
        .isInstanceOf(FeedReading.Read.class);
    assertThat(reading(Arrays.copyOf(compressed.toByteArray(), 22), FeedOptions.DEFAULT).toString())
        .contains("compressed");
  }

  @Test
  void read_hostBits_areMasked() {
    assertThat(read("192.0.2.77/24\n", FeedFormat.PLAIN).content().at(NOW))
        .isEqualTo(prefixes("192.0.2.0/24"));
  }

  @Test
  void read_badLines_areToldWithTheirNumbers() {
    String good = "192.0.2.1\n".repeat(99);

    FeedReading.Read read = read("\n" + good + "192.0.2.300\n0.0.0.0/0\n", FeedFormat.AUTO);

    assertThat(read.bad()).isEqualTo(2);
    assertThat(read.shown().getFirst().line()).isEqualTo(101);
    assertThat(read.shown().getFirst().reason()).contains("'192.0.2.300' is not an address");
    assertThat(read.shown().getLast().toString())
        .isEqualTo("line 102: '0.0.0.0/0' is wider than /8");
  }

  @Test
  void read_moreBadLinesThanMayBe_isRefused() {
    String list = "192.0.2.1\n".repeat(94) + "nonsense\n".repeat(6);

    assertThat(refused(list, FeedFormat.PLAIN))
        .contains("6 of its 100 entries", "more than 5 %", "line 95", "'nonsense'");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<!DOCTYPE html><p>Too many requests",
        "{\"message\":\"no such list\"}",
        "192.0.2.0 192.0.2.255 24",
        "[{\"value\":\"192.0.2.1\",\"type\":\"ban\"}",
        "{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\"}\n",
        "{\"cidr\":\"192.0.2.0/24\"}\n{\"type\":\"metadata\",\"records\":2}\n",
        "{\"errors\":[{\"detail\":\"Authentication failed.\",\"status\":401}]}"
      })
  void read_whatIsNoWholeList_isRefused(String list) {
    assertThat(refused(list, FeedFormat.AUTO)).isNotBlank();
  }

  @Test
  void read_errorOfAbuseIpdb_isTold() {
    assertThat(
            refused(
                "{\"errors\":[{\"detail\":\"Authentication failed.\",\"status\":401}]}",
                FeedFormat.AUTO))
        .contains("Authentication failed.");
  }

  @Test
  void read_nothing_isAnEmptyList() {
    assertThat(read("# no entries today\n", FeedFormat.AUTO).content().at(NOW).isEmpty()).isTrue();
  }

  @Test
  void read_spamhausDrop_countsItsRecords() {
    String list =
        """
        {"cidr":"192.0.2.0/24","sblid":"SBL1","rir":"apnic"}
        {"cidr":"2001:db8::/32","sblid":"SBL2","rir":"ripencc"}
        {"type":"metadata","timestamp":1734345064,"size":100,"records":2,"copyright":"(c)"}
        """;

    FeedReading.Read read = read(list, FeedFormat.AUTO);

    assertThat(read.format()).isEqualTo(FeedFormat.SPAMHAUS_DROP);
    assertThat(read.content().at(NOW)).isEqualTo(prefixes("192.0.2.0/24", "2001:db8::/32"));
  }

  @Test
  void read_ipsum_takesFromTheLevelOn() {
    String list = "# Date: today\n#\n192.0.2.1\t9\n192.0.2.2\t3\n192.0.2.3\t2\n2001:db8::1 4\n";

    FeedReading.Read read = read(list, FeedFormat.AUTO);

    assertThat(read.format()).isEqualTo(FeedFormat.IPSUM);
    assertThat(read.content().at(NOW)).isEqualTo(prefixes("192.0.2.1", "192.0.2.2", "2001:db8::1"));
    assertThat(read.skipped()).isEqualTo(1);
    assertThat(refused("192.0.2.1\n", FeedFormat.IPSUM)).contains("has no number of lists");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // import
        "duration,scope,value\n24h,ip,192.0.2.1\n48h,range,198.51.100.0/24\n4h,as,64496\n",
        "value\n192.0.2.1\n198.51.100.0/24\n",
        // list -o raw
        """
        id,source,ip,reason,action,country,as,events_count,expiration,simulated,alert_id
        1,crowdsec,Ip:192.0.2.1,"a, b",ban,DE,64496 EX,6,3h59m52.5s,false,1
        2,cscli,Range:198.51.100.0/24,manual,ban,,,1,23h,false,2
        3,cscli,Ip:192.0.2.9,manual,captcha,,,1,23h,false,2
        4,cscli,Ip:192.0.2.8,manual,ban,,,1,-1h,false,2
        5,cscli,Ip:192.0.2.7,manual,ban,,,1,3h,true,2
        """,
        // import
        "[{\"duration\":\"4h\",\"scope\":\"ip\",\"type\":\"ban\",\"value\":\"192.0.2.1\"},"
            + "{\"scope\":\"Range\",\"value\":\"198.51.100.0/24\"}]",
        // list -o json: alerts with decisions
        "[{\"id\":1,\"source\":{\"scope\":\"Ip\",\"value\":\"203.0.113.99\"},\"decisions\":["
            + "{\"duration\":\"1h2m3s\",\"id\":7,\"origin\":\"cscli\",\"scenario\":\"x\",\"scope\":\"Ip\","
            + "\"type\":\"ban\",\"value\":\"192.0.2.1\",\"simulated\":false}]},"
            + "{\"decisions\":[{\"duration\":\"1h\",\"scope\":\"Range\",\"type\":\"ban\","
            + "\"value\":\"198.51.100.0/24\"},{\"scope\":\"Country\",\"type\":\"ban\",\"value\":\"XX\"}]}]",
        // /v1/decisions/stream
        "{\"deleted\":[{\"scope\":\"Ip\",\"type\":\"ban\",\"value\":\"203.0.113.9\"}],\"new\":["
            + "{\"duration\":\"2h\",\"scope\":\"Ip\",\"type\":\"ban\",\"value\":\"192.0.2.1\"},"
            + "{\"duration\":\"2h\",\"scope\":\"Range\",\"type\":\"ban\",\"value\":\"198.51.100.0/24\"}]}"
      })
  void read_crowdsecDecisions_takesBansOfAddresses(String list) {
    for (FeedFormat format : List.of(FeedFormat.CROWDSEC, FeedFormat.AUTO)) {
      if (format == FeedFormat.AUTO && list.startsWith("value")) {
        continue; // one column alone could be anything
      }
      assertThat(read(list, format).content().at(NOW))
          .isEqualTo(prefixes("192.0.2.1", "198.51.100.0/24"));
    }
    assertThat(read("null", FeedFormat.AUTO).taken()).isZero();
  }

  @Test
  void read_crowdsecDurations_endTheEntries() {
    FeedContent content =
        read(
                "duration,value\n30m,192.0.2.1\n5h,192.0.2.2\n48h,192.0.2.3\n20000h,192.0.2.4\n",
                FeedFormat.CROWDSEC)
            .content();

    assertThat(content.at(NOW).size()).isEqualTo(4);
    Instant first = content.nextEnd(NOW).orElseThrow();
    assertThat(first).isBetween(NOW.plus(Duration.ofMinutes(30)), NOW.plus(Duration.ofMinutes(41)));
    assertThat(content.at(first)).isEqualTo(prefixes("192.0.2.2", "192.0.2.3", "192.0.2.4"));
    assertThat(content.at(NOW.plus(Duration.ofDays(365)))).isEqualTo(prefixes("192.0.2.4"));
  }

  @Test
  void read_abuseIpdb_takesFromTheConfidenceOn() {
    String list =
        """
        {"meta":{"generatedAt":"2026-11-26T00:00:00+00:00"},"data":[
        {"ipAddress":"192.0.2.1","countryCode":"XX","abuseConfidenceScore":100},
        {"ipAddress":"2001:db8::1","abuseConfidenceScore":90},
        {"ipAddress":"192.0.2.2","abuseConfidenceScore":89}]}\
        """;

    FeedReading.Read read = read(list, FeedFormat.AUTO);

    assertThat(read.content().at(NOW)).isEqualTo(prefixes("192.0.2.1", "2001:db8::1"));
    assertThat(read.skipped()).isEqualTo(1);
  }

  @Test
  void read_longLines_areCutAndTold() {
    String list =
        "192.0.2.1\n".repeat(30) + "1".repeat(300_000) + "\n192.0.2.2 #" + "x".repeat(200_000);

    FeedReading.Read read = read(list, FeedFormat.PLAIN);

    assertThat(read.content().at(NOW)).isEqualTo(prefixes("192.0.2.1", "192.0.2.2"));
    assertThat(read.shown()).hasSize(1);
    assertThat(read.shown().getFirst().toString()).isEqualTo("line 31: is longer than 16 KiB");
  }

  @Test
  void read_moreBytesThanMayBe_isRefusedWithoutReadingThem() {
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            return '\n';
          }

          @Override
          public int read(byte[] b, int off, int len) {
            Arrays.fill(b, off, off + len, (byte) '\n');
            return len;
          }
        };

    assertThat(FeedReader.read(endless, FeedOptions.DEFAULT, NOW))
        .isEqualTo(new FeedReading.Refused("it is larger than 64 MiB"));
  }

  @Test
  void read_anySetInAnyFormatAndOrder_isThatSet() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 20; round++) {
      PrefixSet set = Prefixes.random(random, 1 + random.nextInt(2_000));
      List<String> texts =
          set.prefixes().stream()
              .filter(ip -> ip.isV4() ? ip.bits() >= 8 : ip.bits() >= 16)
              .map(Object::toString)
              .collect(Collectors.toList());
      PrefixSet expected = PrefixSet.parse(texts.toArray(String[]::new));
      texts.addAll(texts.subList(0, texts.size() / 2));
      Collections.shuffle(texts, random);
      String csv = "value,scope\n" + String.join(",ip\n", texts) + ",ip\n";
      String json =
          texts.stream()
              .map(text -> "{\"value\":\"" + text + "\"}")
              .collect(Collectors.joining(",", "[", "]"));
      String drop =
          texts.stream().map(text -> "{\"cidr\":\"" + text + "\"}\n").collect(Collectors.joining())
              + "{\"type\":\"metadata\",\"records\":"
              + texts.size()
              + "}";

      assertThat(read(String.join("\n", texts), FeedFormat.AUTO).content().at(NOW))
          .as("seed %d", seed)
          .isEqualTo(expected);
      assertThat(read(csv, FeedFormat.CROWDSEC).content().at(NOW)).isEqualTo(expected);
      assertThat(read(json, FeedFormat.AUTO).content().at(NOW)).isEqualTo(expected);
      assertThat(read(drop, FeedFormat.SPAMHAUS_DROP).content().at(NOW)).isEqualTo(expected);
    }
  }
}
