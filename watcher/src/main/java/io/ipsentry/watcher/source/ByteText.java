package io.ipsentry.watcher.source;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes that are put together piece by piece, of which only the first {@code limit} are kept. */
final class ByteText {
  private static final int FIRST_CAPACITY = 64;

  private final int limit;
  private byte[] bytes;
  private int length;

  ByteText(int limit) {
    this.limit = limit;
    bytes = new byte[Math.min(limit, FIRST_CAPACITY)];
  }

  void clear() {
    length = 0;
  }

  void append(byte[] b, int from, int to) {
    int n = Math.min(to - from, limit - length);
    if (length + n > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.min(limit, Math.max(2 * bytes.length, length + n)));
    }
    System.arraycopy(b, from, bytes, length, n);
    length += n;
  }

  void append(String ascii) {
    byte[] b = ascii.getBytes(StandardCharsets.UTF_8);
    append(b, 0, b.length);
  }

  void append(ByteText other) {
    append(other.bytes, 0, other.length);
  }

  void replace(byte old, byte now) {
    for (int i = 0; i < length; i++) {
      if (bytes[i] == old) {
        bytes[i] = now;
      }
    }
  }

  /** Replaces blanks and control characters, so that the text is one word. */
  void toWord() {
    for (int i = 0; i < length; i++) {
      if (bytes[i] >= 0 && bytes[i] <= ' ') {
        bytes[i] = '_';
      }
    }
  }

  byte[] bytes() {
    return bytes;
  }

  int length() {
    return length;
  }

  boolean isEmpty() {
    return length == 0;
  }

  boolean is(String ascii) {
    return length == ascii.length() && toString().equals(ascii);
  }

  @Override
  public String toString() {
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }
}
