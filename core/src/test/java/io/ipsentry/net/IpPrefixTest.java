package io.ipsentry.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class IpPrefixTest {
  @ParameterizedTest
  @CsvSource({
    "192.0.2.1, 192.0.2.1",
    "0.0.0.0, 0.0.0.0",
    "255.255.255.255, 255.255.255.255",
    "192.0.2.1/32, 192.0.2.1",
    "10.0.0.5/24, 10.0.0.0/24",
    "127.0.0.1/8, 127.0.0.0/8",
    "1.2.3.4/0, 0.0.0.0/0",
    "::ffff:192.0.2.1, 192.0.2.1",
    "::FFFF:c000:0201, 192.0.2.1",
    "::ffff:192.0.2.77/120, 192.0.2.0/24",
    "::ffff:0:0/96, 0.0.0.0/0",
    "::, ::",
    "::1, ::1",
    "::/0, ::/0",
    "1::, 1::",
    "2001:db8:0:0:0:0:0:1, 2001:db8::1",
    "2001:0DB8:0000:0000:0000:0000:0000:0001, 2001:db8::1",
    "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
    "2001:0:0:1:0:0:0:1, 2001:0:0:1::1",
    "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
    "2001:db8::/32, 2001:db8::/32",
    "2001:db8:1:2:3::9/64, 2001:db8:1:2::/64",
    "2001:db8::1/128, 2001:db8::1",
    "64:ff9b::192.0.2.33, 64:ff9b::c000:221",
    "1:2:3:4:5:6:7::, 1:2:3:4:5:6:7:0",
    "::2:3:4:5:6:7:8, 0:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:1.2.3.4, 1:2:3:4:5:6:102:304",
    "::ffff:0:0/90, ::ffc0:0:0/90",
  })
  void parse_validText_givesCanonicalText(String text, String canonical) {
    IpPrefix prefix = IpPrefix.parse(text);

    assertThat(prefix).hasToString(canonical);
    assertThat(IpPrefix.parse(canonical)).isEqualTo(prefix);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "1",
        "1.2",
        "1.2.3",
        "1.2.3.",
        "1.2.3.4.",
        "1.2.3.4.5",
        ".1.2.3",
        "1..2.3",
        "256.1.1.1",
        "1.1.1.999",
        "1.1.1.1234",
        "010.1.1.1",
        "1.1.1.01",
        "00.0.0.0",
        "1.1.1.0x1",
        "0x7f.1.1.1",
        "-1.1.1.1",
        "+1.1.1.1",
        " 1.1.1.1",
        "1.1.1.1 ",
        "1.1.1.1\n",
        "example.org",
        "localhost",
        "1.2.3.4:80",
        "[::1]",
        "[::1]:80",
        "fe80::1%eth0",
        ":",
        ":::",
        "::1::",
        ":1",
        "1:",
        "1::2::3",
        "12345::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "::1.2.3",
        "::1.2.3.256",
        "::1.2.3.04",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3.4:5",
        "::g",
        "1.2.3.4/33",
        "1.2.3.4/",
        "1.2.3.4/a",
        "1.2.3.4/-1",
        "1.2.3.4/08",
        "1.2.3.4/24/24",
        "::/129",
        "::/1000000000000",
        "/24",
        "1.2.3.4/255.255.255.0",
        "١.١.١.١",
        "2001:db8::\u0661"
      })
  void parse_invalidText_saysWhyAndHowToMend(String text) {
    assertThatThrownBy(() -> IpPrefix.parse(text))
        .isInstanceOfSatisfying(
            InvalidAddressException.class,
            e -> {
              assertThat(e.reason()).isNotBlank();
              assertThat(e.mend()).isNotBlank();
              assertThat(e).hasMessageContaining(e.reason()).hasMessageContaining(e.mend());
            });
  }

  @Test
  void parse_octalLooking_saysSo() {
    assertThatThrownBy(() -> IpPrefix.parse("010.1.1.1"))
        .hasMessage(
            "not an address: \"010.1.1.1\": a number with a leading zero may be octal or decimal;"
                + " write it without leading zeros");
  }

  @Test
  void parse_longOrHostileText_isCutInTheMessage() {
    assertThatThrownBy(() -> IpPrefix.parse("\u001b[31m" + "x".repeat(10_000)))
        .isInstanceOfSatisfying(
            InvalidAddressException.class,
            e -> assertThat(e.text()).hasSize(65).startsWith("?[31mx").endsWith("…"));
  }

  @Test
  void parse_anyAddress_agreesWithInetAddress() throws Exception {
    long seed = 20_261_121L;
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = new byte[16];
      random.nextBytes(bytes);
      for (int g = 0; g < 8; g++) {
        if (random.nextInt(3) > 0) {
          bytes[2 * g] = 0;
          bytes[2 * g + 1] = (byte) (random.nextBoolean() ? 0 : random.nextInt(256));
        }
      }
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      IpPrefix prefix = IpPrefix.address(buffer.getLong(0), buffer.getLong(8));
      String text = InetAddress.getByAddress(bytes).getHostAddress();

      assertThat(IpPrefix.parse(text)).as("seed %d, %s", seed, text).isEqualTo(prefix);
      assertThat(IpPrefix.parse(prefix.toString())).as("seed %d, %s", seed, text).isEqualTo(prefix);
    }
  }

  @Test
  void constructor_hostBitsOrBadLength_isRefused() {
    assertThatThrownBy(() -> new IpPrefix(0, 1, 127)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new IpPrefix(0, 0, 129)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> IpPrefix.of(0, 0, -1)).isInstanceOf(IllegalArgumentException.class);
    assertThat(IpPrefix.of(-1, -1, 127)).isEqualTo(new IpPrefix(-1, -2, 127));
  }

  @Test
  void contains_families_areDistinct() {
    IpPrefix all6 = IpPrefix.parse("::/0");
    IpPrefix all4 = IpPrefix.parse("0.0.0.0/0");
    IpPrefix v4 = IpPrefix.parse("192.0.2.1");

    assertThat(all6.contains(v4)).isFalse();
    assertThat(all6.contains(v4.hi(), v4.lo())).isFalse();
    assertThat(all6.contains(all4)).isFalse();
    assertThat(all4.contains(v4)).isTrue();
    assertThat(all4.contains(v4.hi(), v4.lo())).isTrue();
    assertThat(all4.contains(IpPrefix.parse("::1"))).isFalse();
    assertThat(all6.contains(IpPrefix.parse("::1"))).isTrue();
    assertThat(v4.isV4()).isTrue();
    assertThat(all6.isV4()).isFalse();
  }

  @Test
  void contains_nestedPrefixes_onlyDownwards() {
    IpPrefix wide = IpPrefix.parse("10.0.0.0/8");
    IpPrefix narrow = IpPrefix.parse("10.1.0.0/16");

    assertThat(wide.contains(narrow)).isTrue();
    assertThat(narrow.contains(wide)).isFalse();
    assertThat(wide.contains(wide)).isTrue();
    assertThat(narrow.overlaps(wide)).isTrue();
    assertThat(narrow.overlaps(IpPrefix.parse("10.2.0.0/16"))).isFalse();
  }

  @Test
  void truncate_familyRelative_masksOrLeavesAsIs() {
    assertThat(IpPrefix.parse("2001:db8:1:2:3::9").truncate(64)).hasToString("2001:db8:1:2::/64");
    assertThat(IpPrefix.parse("192.0.2.77").truncate(24)).hasToString("192.0.2.0/24");
    assertThat(IpPrefix.parse("192.0.2.77").truncate(64)).hasToString("192.0.2.77");
    assertThat(IpPrefix.parse("10.0.0.0/8").truncate(24)).hasToString("10.0.0.0/8");
    assertThat(IpPrefix.parse("10.0.0.0/8").truncate(0)).hasToString("0.0.0.0/0");
    assertThat(IpPrefix.parse("10.0.0.0/8").bits()).isEqualTo(8);
    assertThat(IpPrefix.ofV4(0xc000_0201)).hasToString("192.0.2.1");
  }

  @Test
  void compareTo_anyOrder_putsAPrefixBeforeWhatLiesInIt() {
    List<String> sorted =
        Stream.of("ff00::1", "10.0.0.1", "10.0.0.0/8", "::1", "10.0.0.0/16", "9.0.0.0/8")
            .map(IpPrefix::parse)
            .sorted()
            .map(IpPrefix::toString)
            .toList();

    assertThat(sorted)
        .containsExactly("::1", "9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.1", "ff00::1");
  }
}
