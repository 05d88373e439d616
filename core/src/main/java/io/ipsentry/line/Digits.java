package io.ipsentry.line;

/** Reads numbers from bytes without allocating. */
final class Digits {
  private static final int STATUS_DIGITS = 3;

  private Digits() {}

  /**
   * Reads a status field ({@code 404}, or {@code -} for none) into {@code facts}.
   *
   * @return the position behind it, or −1 when it is none
   */
  static int status(byte[] b, int at, int to, RequestFacts facts) {
    int end = at + STATUS_DIGITS;
    if (end == to || end < to && b[end] == ' ') {
      int value = number(b, at, end);
      if (value >= 0) {
        facts.status(value);
        return end;
      }
    }
    boolean none = at < to && (b[at] == '-' || b[at] == '0') && (at + 1 == to || b[at + 1] == ' ');
    return none ? at + 1 : -1;
  }

  /** The decimal number that fills {@code [from, to)}, or −1; at most nine digits. */
  static int number(byte[] b, int from, int to) {
    int length = to - from;
    if (length <= 0 || length > 9) {
      return -1;
    }
    int value = 0;
    for (int i = from; i < to; i++) {
      int digit = b[i] - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      value = value * 10 + digit;
    }
    return value;
  }

  /** Two decimal digits at {@code at}, or −1. */
  static int two(byte[] b, int at) {
    int tens = b[at] - '0';
    int ones = b[at + 1] - '0';
    return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
  }

  /** Four decimal digits at {@code at}, or −1. */
  static int four(byte[] b, int at) {
    int high = two(b, at);
    int low = two(b, at + 2);
    return high >= 0 && low >= 0 ? high * 100 + low : -1;
  }
}
