package io.ipsentry.line;

import java.nio.charset.StandardCharsets;

/**
 * Traefik's {@code common} and {@code genericCLF} formats.
 *
 * <pre>
 * 203.0.113.7 - - [21/Nov/2026:07:00:00 +0000] "GET /.env HTTP/1.1" 404 19 "-" "-" 42 "-" "-" 0ms
 * </pre>
 *
 * <p>{@code genericCLF} ends after the user agent. The first field is the {@code X-Forwarded-For}
 * header as it came, when there is one. Traefik escapes nothing, so a header with the right content
 * can imitate the rest of a line; see {@link UnescapedList}. The JSON format has no such weakness
 * and should be preferred.
 */
final class TraefikClfFormat implements LineFormat {
  private static final byte[] USER_MARK = ascii(" - ");
  private static final byte[] VERSION_MARK = ascii(" HTTP/");
  private static final byte[] FIELD_MARK = ascii("\" \"");

  /**
   * Quotation marks behind the user agent in {@code common}: its own, and those of router and URL.
   */
  private static final int QUOTES_FROM_AGENT = 5;

  private final boolean exact;
  private final TimestampFormat time = new ClfTimestamp();
  private final UnescapedList list = new UnescapedList(USER_MARK);

  /**
   * @param exact whether a line must show that it is Traefik's, by the duration at its end or by a
   *     list of addresses, so that it can be told from {@code combined}
   */
  TraefikClfFormat(boolean exact) {
    this.exact = exact;
  }

  @Override
  public String name() {
    return "traefik-clf";
  }

  @Override
  public boolean parse(byte[] b, int from, int to, RequestFacts facts) {
    facts.clear();
    facts.line().set(b, from, to);
    boolean common = to - from > 2 && b[to - 1] == 's' && b[to - 2] == 'm';
    int user = ByteSearch.indexOf(b, from, to, USER_MARK);
    if (user <= from || exact && !common && ByteSearch.indexOf(b, from, user, ',') == user) {
      return false;
    }
    int quote = openingQuote(b, user, to);
    if (quote < 0) {
      return false;
    }
    facts.time().set(b, quote - 2 - ClfTimestamp.LENGTH, quote - 2);
    facts.timeFormat(time);
    int end = request(b, quote + 1, to);
    boolean cut = to - from >= MAX_BYTES;
    int status = end + 2;
    if (status > to) {
      end = to;
    } else if (Digits.status(b, status, to, facts) < 0) {
      return false;
    }
    if (status > to && !cut) {
      return false;
    }
    RequestLine.split(b, quote + 1, end, facts);
    if (user - from > 1 || b[from] != '-') {
      facts.forwardedFor().set(b, from, user);
    }
    facts.addressAmbiguous(list.mayEndIn(b, user, to));
    if (status <= to) {
      agent(b, status, to, common, facts);
    }
    return true;
  }

  /** The quotation mark behind the first bracketed stamp, or −1. */
  private static int openingQuote(byte[] b, int from, int to) {
    int open = ByteSearch.indexOf(b, from, to, '[');
    while (open < to) {
      int close = open + 1 + ClfTimestamp.LENGTH;
      if (close + 2 < to
          && b[close] == ']'
          && b[close + 1] == ' '
          && b[close + 2] == '"'
          && b[open + 3] == '/') {
        return close + 2;
      }
      open = ByteSearch.indexOf(b, open + 1, to, '[');
    }
    return -1;
  }

  /** The quotation mark behind the request, or {@code to}: a bare one may stand in the query. */
  private static int request(byte[] b, int from, int to) {
    int version = ByteSearch.indexOf(b, from, to, VERSION_MARK);
    int quote = ByteSearch.indexOf(b, version < 0 ? from : version, to, '"');
    return quote + 1 < to ? quote : to;
  }

  private static void agent(byte[] b, int status, int to, boolean common, RequestFacts facts) {
    int quote = ByteSearch.indexOf(b, status, to, '"');
    int start = ByteSearch.indexOf(b, quote, to, FIELD_MARK);
    if (start < 0) {
      return;
    }
    start += FIELD_MARK.length;
    int end = to;
    for (int i = common ? QUOTES_FROM_AGENT : 1; i > 0 && end > start; i--) {
      end = ByteSearch.lastIndexOf(b, start, end, '"');
    }
    if (end - start > 1 || end - start == 1 && b[start] != '-') {
      facts.userAgent().set(b, start, end);
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
