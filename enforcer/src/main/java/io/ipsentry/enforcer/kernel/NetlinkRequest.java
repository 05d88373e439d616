package io.ipsentry.enforcer.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A request to a part of the kernel's netfilter, as it is written: the header of netlink, four
 * bytes of nfnetlink, and attributes, each aligned to four bytes. Headers are in the order of bytes
 * of the machine, numbers in that of the network. See netlink(7), linux/netfilter/nfnetlink.h.
 * Confined to one thread.
 */
final class NetlinkRequest {
  /** What is asked for is done, or answered. */
  static final int REQUEST = 1;

  /** The kernel answers also that it did it, as error 0. */
  static final int ACKNOWLEDGE = 4;

  /** Type of the message that answers, with an error that may be 0. */
  static final int ERROR = 2;

  static final int HEADER_BYTES = 16;
  static final int ATTRIBUTE_HEADER_BYTES = 4;
  static final int NESTED = 0x8000;
  private static final int NETWORK_ORDER = 0x4000;

  private static final int MAX_BYTES = 512;

  private final ByteBuffer bytes = ByteBuffer.allocate(MAX_BYTES).order(ByteOrder.nativeOrder());

  /**
   * Begins one.
   *
   * @param type number of the part of netfilter, times 256, and of its command
   * @param family of nfnetlink, such as 2 for IPv4
   */
  NetlinkRequest(int type, int flags, int sequence, int family) {
    bytes.putInt(0).putShort((short) type).putShort((short) flags).putInt(sequence).putInt(0);
    bytes.put((byte) family).put((byte) 0).putShort((short) 0);
  }

  static int aligned(int length) {
    return length + 3 & ~3;
  }

  /** A text that ends in a zero. */
  NetlinkRequest text(int type, String value) {
    return attribute(type, (value + '\0').getBytes(StandardCharsets.US_ASCII));
  }

  /** A number of 8 bits. */
  NetlinkRequest octet(int type, int value) {
    return attribute(type, (byte) value);
  }

  /** A number of 32 bits. */
  NetlinkRequest number(int type, long value) {
    return attribute(
        type | NETWORK_ORDER, ByteBuffer.allocate(Integer.BYTES).putInt((int) value).array());
  }

  /** An address of IPv6. */
  NetlinkRequest number(int type, long hi, long lo) {
    return attribute(
        type | NETWORK_ORDER, ByteBuffer.allocate(2 * Long.BYTES).putLong(hi).putLong(lo).array());
  }

  private NetlinkRequest attribute(int type, byte... value) {
    bytes.putShort((short) (ATTRIBUTE_HEADER_BYTES + value.length)).putShort((short) type);
    bytes.put(value);
    while (bytes.position() != aligned(bytes.position())) {
      bytes.put((byte) 0);
    }
    return this;
  }

  /** An attribute that holds those which follow; returns what {@link #end} takes. */
  int begin(int type) {
    int at = bytes.position();
    bytes.putShort((short) 0).putShort((short) (type | NESTED));
    return at;
  }

  /** The end of such an attribute. */
  NetlinkRequest end(int begun) {
    bytes.putShort(begun, (short) (bytes.position() - begun));
    return this;
  }

  /** The whole, from position 0 to the limit. */
  ByteBuffer whole() {
    bytes.putInt(0, bytes.position());
    return bytes.flip();
  }
}
