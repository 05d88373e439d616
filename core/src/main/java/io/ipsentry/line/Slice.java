package io.ipsentry.line;

import java.nio.charset.StandardCharsets;

/**
 * A view of bytes {@code [from, to)} of an array that somebody else owns; reused for every line so
 * that a line which is no hit allocates nothing.
 *
 * <p>An absent field is not the same as an empty one: {@link #isPresent()} tells. Valid until the
 * owner of the bytes reads the next line. Confined to one thread.
 */
public final class Slice {
  private static final byte[] NOTHING = new byte[0];

  private byte[] array = NOTHING;
  private int from;
  private int to = -1;

  /** Points this view at {@code [from, to)} of {@code array}. */
  public void set(byte[] array, int from, int to) {
    this.array = array;
    this.from = from;
    this.to = to;
  }

  /** Points this view at what {@code other} shows. */
  public void set(Slice other) {
    set(other.array, other.from, other.to);
  }

  /** Makes the field absent; the array is kept until the next {@code set}, which nobody sees. */
  public void clear() {
    from = 0;
    to = -1;
  }

  public boolean isPresent() {
    return to >= from;
  }

  public boolean isEmpty() {
    return to <= from;
  }

  public byte[] array() {
    return array;
  }

  public int from() {
    return from;
  }

  /** The end, exclusive; below {@link #from()} when the field is absent. */
  public int to() {
    return to;
  }

  /** Length in bytes; 0 when absent. */
  public int length() {
    return Math.max(0, to - from);
  }

  /** True when the bytes are exactly those of {@code ascii}. */
  public boolean equalsAscii(String ascii) {
    int length = length();
    if (!isPresent() || length != ascii.length()) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if (array[from + i] != ascii.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** The bytes read as UTF-8, for messages; allocates. */
  @Override
  public String toString() {
    return new String(array, from, length(), StandardCharsets.UTF_8);
  }
}
