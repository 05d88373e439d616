package io.ipsentry.enforcer.kernel;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One dump of a set's elements by nf_tables: the request, and what the datagrams of the answer
 * hold. Confined to one thread.
 *
 * <p>A datagram is a row of messages, each a header of netlink, four bytes of nfnetlink (family,
 * version, generation) and attributes: table, set, and a list of elements, each a key, what is left
 * of its time in milliseconds, and what is not of interest here. Headers are in the order of bytes
 * of the machine, values in that of the network. The kernel leaves a dump with the generation of
 * its rules and begins the next datagram with whatever is the latest, so an answer of more than one
 * generation may lack elements or hold them twice. See linux/netlink.h,
 * linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h.
 */
final class SetDump {
  /** What is left of an element that has no end. */
  static final long NO_END = Long.MAX_VALUE;

  // Types of messages.
  private static final int DONE = 3;
  private static final int OVERRUN = 4;
  private static final int NFTABLES = 10 << 8;
  private static final int NEW_ELEMENTS = NFTABLES | 12;
  private static final int GET_ELEMENTS = NFTABLES | 13;

  // Flags of messages.
  private static final int DUMP = 0x300;
  private static final int DUMP_INTERRUPTED = 0x10;

  // Types of attributes; the upper two bits are flags.
  private static final int TYPE_MASK = 0x3fff;
  private static final int LIST_TABLE = 1;
  private static final int LIST_SET = 2;
  private static final int LIST_ELEMENTS = 3;
  private static final int LIST_ELEMENT = 1;
  private static final int ELEMENT_KEY = 1;
  private static final int ELEMENT_EXPIRATION = 5;
  private static final int DATA_VALUE = 1;

  private static final int INET = 1;

  // Errors after which the same question may have an answer.
  private static final int EINTR = 4;
  private static final int EAGAIN = 11;
  private static final int EBUSY = 16;

  private final int sequence;
  private final int keyBytes;
  private final Sink sink;
  private int generation = -1;
  private boolean torn;

  /** Is shown elements. */
  @FunctionalInterface
  interface Sink {
    /**
     * An element.
     *
     * @param hi upper half of the key, 0 where that is 4 bytes
     * @param lo lower half of the key, unsigned where that is 4 bytes
     * @param leftMillis until it ends, {@link #NO_END}: it does not
     */
    void element(long hi, long lo, long leftMillis);
  }

  /** What the kernel answers instead of elements. */
  static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1;

    RefusedException(int errno) {
      super("the kernel does not show the set: error " + errno + ", see errno(3)");
    }
  }

  /**
   * A dump that is to come.
   *
   * @param sequence number of the request, which the answer bears
   * @param keyBytes length of a key, 4 or 16
   */
  SetDump(int sequence, int keyBytes, Sink sink) {
    if (keyBytes != Integer.BYTES && keyBytes != 2 * Long.BYTES) {
      throw new IllegalArgumentException("keys of 4 or 16 bytes, not " + keyBytes);
    }
    this.sequence = sequence;
    this.keyBytes = keyBytes;
    this.sink = sink;
  }

  /** Asks for a set of a table of the family inet. */
  ByteBuffer request(String table, String set) {
    return new NetlinkRequest(GET_ELEMENTS, NetlinkRequest.REQUEST | DUMP, sequence, INET)
        .text(LIST_TABLE, table)
        .text(LIST_SET, set)
        .whole();
  }

  /** Whether the answer is not of one moment, and so has to be asked for again. */
  boolean isTorn() {
    return torn;
  }

  /**
   * Reads a datagram of the answer.
   *
   * @param datagram in the order of bytes of this machine
   * @return whether it was the last
   * @throws RefusedException if the kernel refuses the request
   * @throws IOException if it is not what this class knows
   */
  boolean read(ByteBuffer datagram) throws IOException {
    try {
      while (datagram.remaining() >= NetlinkRequest.HEADER_BYTES) {
        int begin = datagram.position();
        int length = datagram.getInt();
        if (length < NetlinkRequest.HEADER_BYTES || length > datagram.limit() - begin) {
          throw new IOException("a message of " + length + " bytes");
        }
        int type = Short.toUnsignedInt(datagram.getShort());
        int flags = Short.toUnsignedInt(datagram.getShort());
        int number = datagram.getInt();
        int end = begin + length;
        if (number == sequence) {
          torn |= (flags & DUMP_INTERRUPTED) != 0;
          ByteBuffer body = part(datagram, begin + NetlinkRequest.HEADER_BYTES, end);
          if (message(type, body)) {
            return true;
          }
        }
        datagram.position(Math.min(begin + NetlinkRequest.aligned(length), datagram.limit()));
      }
      return false;
    } catch (BufferUnderflowException e) {
      throw new IOException("a message that ends too early", e);
    }
  }

  /** Whether it was the last. */
  private boolean message(int type, ByteBuffer body) throws IOException {
    switch (type) {
      case NEW_ELEMENTS -> elements(body);
      case OVERRUN -> torn = true;
      case NetlinkRequest.ERROR, DONE -> {
        int error = -body.getInt();
        if (error == EINTR || error == EAGAIN || error == EBUSY) {
          torn = true;
        } else if (error > 0) {
          throw new RefusedException(error);
        }
        return true;
      }
      default -> {
        // Others of this kind, such as NOOP, carry nothing.
      }
    }
    return false;
  }

  private void elements(ByteBuffer body) throws IOException {
    body.getShort(); // family and version
    int now = Short.toUnsignedInt(body.getShort());
    torn |= generation >= 0 && generation != now;
    generation = now;
    while (body.hasRemaining()) {
      int begin = body.position();
      int end = begin + attributeLength(body);
      if (attributeType(body) == LIST_ELEMENTS) {
        ByteBuffer list = part(body, body.position(), end);
        while (list.hasRemaining()) {
          int elementEnd = list.position() + attributeLength(list);
          if (attributeType(list) == LIST_ELEMENT) {
            element(list, elementEnd);
          }
          skipTo(list, elementEnd);
        }
      }
      skipTo(body, end);
    }
  }

  /** Reads an element, without an object: a million pass here. */
  private void element(ByteBuffer list, int end) throws IOException {
    long hi = 0;
    long lo = 0;
    long left = NO_END;
    boolean keyed = false;
    while (list.position() < end) {
      int attributeEnd = list.position() + attributeLength(list);
      if (attributeEnd > end) {
        throw new IOException("an attribute that is longer than its element");
      }
      switch (attributeType(list)) {
        case ELEMENT_KEY -> {
          int valueEnd = list.position() + attributeLength(list);
          if (attributeType(list) != DATA_VALUE || valueEnd - list.position() != keyBytes) {
            throw new IOException("a key that is no address");
          }
          list.order(ByteOrder.BIG_ENDIAN);
          hi = keyBytes == Integer.BYTES ? 0 : list.getLong();
          lo = keyBytes == Integer.BYTES ? Integer.toUnsignedLong(list.getInt()) : list.getLong();
          list.order(ByteOrder.nativeOrder());
          keyed = true;
        }
        case ELEMENT_EXPIRATION -> {
          list.order(ByteOrder.BIG_ENDIAN);
          left = list.getLong();
          list.order(ByteOrder.nativeOrder());
        }
        default -> {
          // Its whole time, comments and counters are of no interest.
        }
      }
      skipTo(list, attributeEnd);
    }
    if (!keyed) {
      // The wildcard, which holds every address that the set does not: never one of ours.
      throw new IOException("an element without an address");
    }
    sink.element(hi, lo, left < 0 ? NO_END : left);
  }

  /** Length of the attribute that begins here, its header included. */
  private static int attributeLength(ByteBuffer attributes) throws IOException {
    int length = Short.toUnsignedInt(attributes.getShort());
    if (length < NetlinkRequest.ATTRIBUTE_HEADER_BYTES
        || length - Short.BYTES > attributes.remaining()) {
      throw new IOException("an attribute of " + length + " bytes");
    }
    return length;
  }

  private static int attributeType(ByteBuffer attributes) {
    return attributes.getShort() & TYPE_MASK;
  }

  private static void skipTo(ByteBuffer attributes, int end) {
    attributes.position(Math.min(NetlinkRequest.aligned(end), attributes.limit()));
  }

  private static ByteBuffer part(ByteBuffer whole, int begin, int end) throws IOException {
    if (end > whole.limit()) {
      throw new IOException("a list that is longer than its message");
    }
    return whole.slice(begin, end - begin).order(ByteOrder.nativeOrder());
  }
}
