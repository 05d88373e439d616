package io.ipsentry.enforcer.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/** Messages of netlink as the kernel writes them, for tests; sequence number 7. */
final class NetlinkMessages {
  static final int SEQUENCE = 7;
  static final int NEW_ELEMENTS = 10 << 8 | 12;
  static final int ERROR = 2;
  static final int DONE = 3;
  static final int MULTI = 2;
  static final int DUMP_INTERRUPTED = 0x10;

  private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16).order(ByteOrder.nativeOrder());

  /** What was written, ready to be read. */
  ByteBuffer datagram() {
    return bytes.flip();
  }

  /** A message whose body is written by another. */
  NetlinkMessages message(int type, int flags, int sequence, Consumer<NetlinkMessages> writesBody) {
    int begin = bytes.position();
    bytes.putInt(0).putShort((short) type).putShort((short) flags).putInt(sequence).putInt(4_711);
    writesBody.accept(this);
    bytes.putInt(begin, bytes.position() - begin);
    align();
    return this;
  }

  /** The end of a dump, or an error. */
  NetlinkMessages end(int type, int errno) {
    return message(type, MULTI, SEQUENCE, body -> body.bytes.putInt(-errno));
  }

  /** A message of elements. */
  NetlinkMessages elements(int generation, int flags, Consumer<NetlinkMessages> writesList) {
    return message(
        NEW_ELEMENTS,
        MULTI | flags,
        SEQUENCE,
        body -> {
          body.bytes.put((byte) 1).put((byte) 0).putShort((short) generation);
          body.attribute(1, table -> table.bytes.put(new byte[] {'t', 0}));
          body.attribute(2, set -> set.bytes.put(new byte[] {'s', 'e', 't', 0}));
          body.attribute(0x8000 | 3, writesList);
        });
  }

  /** An attribute whose value is written by another. */
  NetlinkMessages attribute(int type, Consumer<NetlinkMessages> writesValue) {
    int begin = bytes.position();
    bytes.putShort((short) 0).putShort((short) type);
    writesValue.accept(this);
    bytes.putShort(begin, (short) (bytes.position() - begin));
    align();
    return this;
  }

  /** An element with an end, with attributes that are not of interest before and behind it. */
  NetlinkMessages element(byte[] key, long leftMillis) {
    return attribute(
        0x8000 | 1,
        element -> {
          element.attribute(4, timeout -> timeout.bigEndian(3_600_000));
          element.attribute(5, left -> left.bigEndian(leftMillis));
          element.attribute(6, comment -> comment.bytes.put(new byte[] {0, 2, 'x', 'y', 0}));
          element.key(key);
        });
  }

  /** An element without an end. */
  NetlinkMessages element(byte[] key) {
    return attribute(0x8000 | 1, element -> element.key(key));
  }

  NetlinkMessages key(byte[] key) {
    return attribute(0x8000 | 1, data -> data.attribute(1, value -> value.bytes.put(key)));
  }

  private void bigEndian(long value) {
    bytes.order(ByteOrder.BIG_ENDIAN).putLong(value).order(ByteOrder.nativeOrder());
  }

  private void align() {
    while (bytes.position() % 4 != 0) {
      bytes.put((byte) 0);
    }
  }
}
