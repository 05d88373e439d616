package io.ipsentry.authz.envoy;

/**
 * Reads the protobuf wire format from an array; accepts and refuses exactly what the generated
 * parsers do with fields that they do not know.
 *
 * <p>Source: the Protocol Buffers encoding guide. As in the Java runtime a varint has at most ten
 * bytes, of which 32-bit ones use the low bits; messages and groups nest at most {@value
 * #MAX_DEPTH} deep. Confined to one thread.
 */
abstract class WireReader {
  /** Deepest nesting, the outermost message not counted. */
  static final int MAX_DEPTH = 100;

  static final int VARINT = 0;
  static final int FIXED64 = 1;
  static final int LENGTH_DELIMITED = 2;
  static final int START_GROUP = 3;
  static final int END_GROUP = 4;
  static final int FIXED32 = 5;

  private static final int TAG_TYPE_BITS = 3;
  private static final int MAX_VARINT_BITS = 70;
  private static final int LAST_SHIFT = 63;

  @SuppressWarnings("StaticAssignmentOfThrowable") // It has no stack trace and never changes.
  private static final Malformed MALFORMED = new Malformed();

  /** The bytes. */
  byte[] bytes = new byte[0];

  /** Position of the next byte. */
  int at;

  /** The message is no valid protobuf; without a stack trace, for it is the sender's fault. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;

    private Malformed() {
      super("malformed protobuf", null, false, false);
    }
  }

  /** Tag of a length-delimited field. */
  static int tag(int field) {
    return field << TAG_TYPE_BITS | LENGTH_DELIMITED;
  }

  /** Tag of a field that is a varint. */
  static int numberTag(int field) {
    return field << TAG_TYPE_BITS | VARINT;
  }

  /**
   * Reads the tag of the next field.
   *
   * @param end of the message at hand
   */
  final int readTag(int end) throws Malformed {
    int tag = (int) readNumber(end);
    if (tag >>> TAG_TYPE_BITS == 0) {
      throw MALFORMED;
    }
    return tag;
  }

  /**
   * Reads a length and returns where the value of that length ends.
   *
   * @param end of the message at hand
   */
  final int readEnd(int end) throws Malformed {
    int length = (int) readNumber(end);
    if (length < 0 || length > end - at) {
      throw MALFORMED;
    }
    return at + length;
  }

  /**
   * Reads a varint of a 32-bit field, of which the low half is meant.
   *
   * @param end of the message at hand
   */
  final long readNumber(int end) throws Malformed {
    return readVarint(end, false);
  }

  /**
   * Reads a varint of a 64-bit field.
   *
   * @param end of the message at hand
   */
  final long readLong(int end) throws Malformed {
    return readVarint(end, true);
  }

  /**
   * @param wide whether a tenth byte may say that more follow, if its low bit is set: what the Java
   *     runtime's {@code readRawVarint64} lets pass, and 32-bit fields do not
   */
  private long readVarint(int end, boolean wide) throws Malformed {
    if (at < end && bytes[at] >= 0) {
      return bytes[at++];
    }
    long value = 0;
    for (int shift = 0; shift < MAX_VARINT_BITS; shift += 7) {
      if (at >= end) {
        throw MALFORMED;
      }
      byte next = bytes[at++];
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0 || wide && shift == LAST_SHIFT && (next & 1) == 1) {
        return value;
      }
    }
    throw MALFORMED;
  }

  /**
   * Steps over a field.
   *
   * @param end of the message at hand
   * @param depth of the message at hand; the outermost has 0
   */
  final void skip(int tag, int end, int depth) throws Malformed {
    switch (tag & 7) {
      case VARINT -> readLong(end);
      case FIXED64 -> skipBytes(Long.BYTES, end);
      case LENGTH_DELIMITED -> at = readEnd(end);
      case START_GROUP -> skipGroup(tag, end, depth);
      case FIXED32 -> skipBytes(Integer.BYTES, end);
      default -> throw MALFORMED;
    }
  }

  private void skipBytes(int count, int end) throws Malformed {
    if (count > end - at) {
      throw MALFORMED;
    }
    at += count;
  }

  private void skipGroup(int tag, int end, int depth) throws Malformed {
    if (depth >= MAX_DEPTH) {
      throw MALFORMED;
    }
    int endTag = tag - START_GROUP + END_GROUP;
    int next = readTag(end);
    while (next != endTag) {
      skip(next, end, depth + 1);
      next = readTag(end);
    }
  }
}
