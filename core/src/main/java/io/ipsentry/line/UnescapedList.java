package io.ipsentry.line;

import io.ipsentry.net.Address;
import io.ipsentry.net.AddressParser;

/**
 * Tells whether a forwarded list in a format without escapes may end later than it seems to.
 *
 * <p>Traefik's common format and Envoy's text format write the {@code X-Forwarded-For} header as it
 * came. A client can send {@code 192.0.2.66" "x"} as its header; a proxy then appends {@code ,
 * 203.0.113.7}, and a reader that stops at the first quotation mark blames 192.0.2.66. Such a line
 * shows a comma and an address in front of a second end mark. It could as well be a user agent that
 * was made to look so, hence no address of the line is believed: one probe that goes uncounted is
 * better than a stranger banned.
 */
final class UnescapedList {
  private static final int MAX_ADDRESS_LENGTH = 64;

  private final byte[] mark;
  private final Address address = new Address();

  /**
   * @param mark what ends the list
   */
  UnescapedList(byte[] mark) {
    this.mark = mark;
  }

  /** Whether a comma, an address and the mark follow each other in {@code [from, to)}. */
  boolean mayEndIn(byte[] b, int from, int to) {
    int comma = ByteSearch.indexOf(b, from, to, ',');
    while (comma < to) {
      int start = comma + 1;
      while (start < to && b[start] == ' ') {
        start++;
      }
      int limit = Math.min(to, start + MAX_ADDRESS_LENGTH + mark.length);
      int end = ByteSearch.indexOf(b, start, limit, mark);
      if (end > start && AddressParser.parseHostPort(b, start, end, address)) {
        return true;
      }
      comma = ByteSearch.indexOf(b, start, to, ',');
    }
    return false;
  }
}
