package io.ipsentry.net;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** The parser against a regular expression for IPv4 and the JDK's literal parser for IPv6. */
final class AddressParserFuzzer {
  private static final String OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
  private static final String QUAD = OCTET + "(\\." + OCTET + "){3}";
  private static final Pattern V4 = Pattern.compile(QUAD);

  /** The JDK takes longer groups and short or zero-padded quads; the shape rules those out. */
  private static final Pattern V6_SHAPE =
      Pattern.compile("(?=.*:)[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4})*(:" + QUAD + ")?");

  @FuzzTest(maxDuration = "2m")
  void parse_anyBytes_agreesWithOracle(byte[] input) {
    Address address = new Address();
    String text = new String(input, StandardCharsets.ISO_8859_1);
    byte[] expected = oracle(text);

    boolean accepted = AddressParser.parse(input, 0, input.length, address);

    assertThat(accepted).as(text).isEqualTo(expected.length > 0);
    if (accepted) {
      assertThat(bytes(address)).as(text).isEqualTo(expected);
      assertThat(IpPrefix.parse(text)).isEqualTo(address.toPrefix());
      assertThat(IpPrefix.parse(address.toString())).isEqualTo(address.toPrefix());
      assertThat(AddressParser.parseHostPort(input, 0, input.length, address)).isTrue();
    }
  }

  private static byte[] bytes(Address address) {
    return ByteBuffer.allocate(16).putLong(address.hi()).putLong(address.lo()).array();
  }

  /** The 16 bytes, or none if the text is no address. */
  private static byte[] oracle(String text) {
    boolean v4 = V4.matcher(text).matches();
    if (!v4 && !V6_SHAPE.matcher(text).matches()) {
      return new byte[0];
    }
    byte[] literal;
    try {
      literal = InetAddress.ofLiteral(text).getAddress();
    } catch (IllegalArgumentException e) {
      return new byte[0];
    }
    if (literal.length == 16) {
      return literal;
    }
    byte[] mapped = new byte[16];
    mapped[10] = (byte) 0xff;
    mapped[11] = (byte) 0xff;
    System.arraycopy(literal, 0, mapped, 12, 4);
    return mapped;
  }
}
