package io.ipsentry.enforcer.kernel;

import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Writes ASCII text to a stream through a buffer of its own, without an object a line: a million
 * elements pass here. Confined to one thread.
 */
final class AsciiOutput {
  private static final int SIZE = 1 << 16;

  /** Longest piece that one call writes besides text: an IPv4 prefix, a number. */
  private static final int ROOM = 64;

  private final OutputStream out;
  private final byte[] buffer = new byte[SIZE];
  private int length;

  AsciiOutput(OutputStream out) {
    this.out = out;
  }

  AsciiOutput text(String text) throws IOException {
    int count = text.length();
    if (count > SIZE - ROOM) {
      throw new IllegalArgumentException("too long for one piece: " + count + " characters");
    }
    makeRoom(count);
    for (int i = 0; i < count; i++) {
      buffer[length++] = (byte) text.charAt(i);
    }
    return this;
  }

  AsciiOutput number(long value) throws IOException {
    makeRoom(ROOM);
    if (value < 0) {
      throw new IllegalArgumentException("only what is not negative, not " + value);
    }
    int digits = 1;
    for (long rest = value; rest >= 10; rest /= 10) {
      digits++;
    }
    int at = length + digits;
    length = at;
    long rest = value;
    do {
      buffer[--at] = (byte) ('0' + rest % 10);
      rest /= 10;
    } while (rest > 0);
    return this;
  }

  /** Canonical text of the prefix; an address has no {@code /length}. */
  AsciiOutput prefix(IpPrefix prefix) throws IOException {
    if (!prefix.isV4()) {
      return text(prefix.toString());
    }
    long address = prefix.lo();
    number(address >>> 24 & 0xff).text(".").number(address >>> 16 & 0xff).text(".");
    number(address >>> 8 & 0xff).text(".").number(address & 0xff);
    return prefix.isAddress() ? this : text("/").number(prefix.bits());
  }

  /** Text that was made before. */
  AsciiOutput bytes(byte[] text) throws IOException {
    makeRoom(SIZE);
    out.write(text);
    return this;
  }

  void flush() throws IOException {
    out.write(buffer, 0, length);
    length = 0;
    out.flush();
  }

  private void makeRoom(int count) throws IOException {
    if (SIZE - length < count) {
      out.write(buffer, 0, length);
      length = 0;
    }
  }
}
