package io.ipsentry.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class AddressParserTest {
  private final Address address = new Address();

  @ParameterizedTest
  @CsvSource(
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "192.0.2.1,192.0.2.1",
        "  192.0.2.1\t,192.0.2.1",
        "192.0.2.1:5678,192.0.2.1",
        "192.0.2.1:0,192.0.2.1",
        "192.0.2.1:65535,192.0.2.1",
        "2001:db8::1,2001:db8::1",
        "[2001:db8::1],2001:db8::1",
        " [2001:db8::1]:443 ,2001:db8::1",
        "fe80::1%eth0,fe80::1",
        "[fe80::1%25eth0]:80,fe80::1",
        "::ffff:192.0.2.1,192.0.2.1",
        "[::ffff:192.0.2.1]:80,192.0.2.1",
      })
  void parseHostPort_asProxiesWriteIt_givesTheAddress(String text, String expected) {
    assertThat(hostPort(text)).isTrue();
    assertThat(address).hasToString(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "  ",
        "-",
        "unknown",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "192.0.2.1:123456",
        "192.0.2.1:x",
        "192.0.2.1:80:80",
        "192.0.2.1%eth0",
        "[192.0.2.1]",
        "[192.0.2.1]:80",
        "[2001:db8::1",
        "[2001:db8::1]x",
        "[2001:db8::1]:",
        "[]",
        "[",
        "fe80::1%",
        "::1]",
        "192.0.2.1, 192.0.2.2",
        "\"192.0.2.1\"",
        "example.org:80",
        "010.0.0.1:80"
      })
  void parseHostPort_anythingElse_isRefused(String text) {
    assertThat(hostPort(text)).isFalse();
  }

  @Test
  void parse_rangeWithin_readsNothingBesides() {
    byte[] line = "x192.0.2.19 y".getBytes(StandardCharsets.ISO_8859_1);

    assertThat(AddressParser.parse(line, 1, 10, address)).isTrue();
    assertThat(address).hasToString("192.0.2.1");
    assertThat(AddressParser.parse(line, 1, 11, address)).isTrue();
    assertThat(address).hasToString("192.0.2.19");
    assertThat(address.isV4()).isTrue();
    assertThat(AddressParser.parse(line, 1, 12, address)).isFalse();
    assertThat(AddressParser.parse(line, 5, 5, address)).isFalse();
  }

  private boolean hostPort(String text) {
    byte[] b = text.getBytes(StandardCharsets.ISO_8859_1);
    return AddressParser.parseHostPort(b, 0, b.length, address);
  }
}
