package io.ipsentry.enforcer.kernel;

import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads what {@code ipset save} writes: lines {@code add SET PREFIX timeout SECONDS}, among others
 * that are skipped. Seconds are those that are left; 0, or no word of it: for ever. A million lines
 * pass here, so lines are bytes and IPv4 is read by hand. Confined to one thread.
 */
final class IpsetListing {
  private static final byte[] ADD = "add ".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] TIMEOUT = " timeout ".getBytes(StandardCharsets.US_ASCII);

  private final boolean onlyPrefixes;
  private final Sink sink;
  private final byte[] buffer = new byte[1 << 16];

  /**
   * @param sink is shown each element
   * @param onlyPrefixes whether an element that is no prefix is an error; else it is skipped, as
   *     for sets of another type
   */
  IpsetListing(boolean onlyPrefixes, Sink sink) {
    this.onlyPrefixes = onlyPrefixes;
    this.sink = sink;
  }

  /** Is shown elements. */
  @FunctionalInterface
  interface Sink {
    /**
     * An element.
     *
     * @param timeoutSeconds that are left, rounded down; 0: it stays for ever; negative: it is
     *     there but refuses nothing ({@code nomatch})
     */
    void element(IpPrefix prefix, long timeoutSeconds) throws IOException;
  }

  /** Reads to the end. */
  void readFrom(InputStream in) throws IOException {
    int length = 0;
    while (true) {
      int read = in.read(buffer, length, buffer.length - length);
      if (read < 0) {
        if (length > 0) {
          throw new IOException("the listing of a set ends within a line");
        }
        return;
      }
      length += read;
      int from = 0;
      for (int i = length - read; i < length; i++) {
        if (buffer[i] == '\n') {
          line(from, i);
          from = i + 1;
        }
      }
      if (from == 0 && length == buffer.length) {
        throw new IOException("a line of a set's listing is longer than " + length + " bytes");
      }
      System.arraycopy(buffer, from, buffer, 0, length - from);
      length -= from;
    }
  }

  private void line(int from, int to) throws IOException {
    if (!startsWith(ADD, from, to)) {
      return;
    }
    int start = indexOf((byte) ' ', from + ADD.length, to) + 1;
    int end = indexOf((byte) ' ', start, to);
    long timeout = 0;
    int rest = end;
    if (startsWith(TIMEOUT, end, to)) {
      int digits = end + TIMEOUT.length;
      rest = indexOf((byte) ' ', digits, to);
      timeout = number(digits, rest);
    }
    // What else may follow are counters and comments, which our sets have not, and "nomatch".
    boolean refuses = rest == to || !text(rest, to).contains("nomatch");
    IpPrefix prefix = prefix(start, end);
    if (prefix != null) {
      sink.element(prefix, refuses ? timeout : -1);
    } else if (onlyPrefixes) {
      throw new IOException("no prefix in the listing of a set: " + text(from, to));
    }
  }

  private @Nullable IpPrefix prefix(int from, int to) {
    IpPrefix address = v4Address(from, to);
    if (address != null) {
      return address;
    }
    try {
      return IpPrefix.parse(text(from, to));
    } catch (InvalidAddressException e) {
      return null;
    }
  }

  /** Reads a dotted quad as the kernel's programs write it; null: it is something else. */
  private @Nullable IpPrefix v4Address(int from, int to) {
    int address = 0;
    int value = 0;
    int dots = 0;
    int digits = 0;
    for (int i = from; i < to; i++) {
      int digit = buffer[i] - '0';
      if (digit >= 0 && digit <= 9 && digits < 3) {
        value = value * 10 + digit;
        digits++;
      } else if (buffer[i] == '.' && dots < 3 && digits > 0 && value <= 255) {
        address = address << 8 | value;
        dots++;
        value = 0;
        digits = 0;
      } else {
        return null;
      }
    }
    return dots == 3 && digits > 0 && value <= 255 ? IpPrefix.ofV4(address << 8 | value) : null;
  }

  private long number(int from, int to) throws IOException {
    try {
      return Long.parseLong(text(from, to));
    } catch (NumberFormatException e) {
      throw new IOException("no number of seconds in the listing of a set: " + text(from, to), e);
    }
  }

  private String text(int from, int to) {
    return new String(buffer, from, to - from, StandardCharsets.US_ASCII);
  }

  private boolean startsWith(byte[] start, int from, int to) {
    return to - from >= start.length
        && Arrays.equals(buffer, from, from + start.length, start, 0, start.length);
  }

  private int indexOf(byte wanted, int from, int to) {
    int at = from;
    while (at < to && buffer[at] != wanted) {
      at++;
    }
    return at;
  }
}
