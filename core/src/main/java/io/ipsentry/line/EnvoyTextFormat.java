package io.ipsentry.line;

import java.nio.charset.StandardCharsets;

/**
 * Envoy's default text format, of today and before 1.17, and Istio's, which has more fields behind
 * it.
 *
 * <pre>
 * [2026-11-21T07:00:00.123Z] "GET /.env HTTP/1.1" 404 NR route_not_found - "-" 0 0 1 - "203.0.113.7"
 *  "curl/8.5.0" "6f1e…" "app.example" "-"
 * </pre>
 *
 * <p>(One line.) The only address is the forwarded list, as it came but for the last element, which
 * Envoy appends at the edge. Envoy escapes nothing; see {@link UnescapedList}. The JSON format is
 * better.
 *
 * <p>A path holds no space, so the request is split at spaces, whatever quotation marks are in it.
 * Flag {@code UAEX} or details {@code ext_authz_denied} mark our own refusal.
 */
final class EnvoyTextFormat implements LineFormat {
  private static final byte[] FIELD_MARK = ascii("\" \"");
  private static final byte[] EXTERNAL_REFUSAL = ascii("UAEX");
  private static final byte[] REFUSAL_DETAILS = ascii("ext_authz_denied");

  /** Bytes received, bytes sent, duration, upstream time. */
  private static final int NUMBERS = 4;

  /** In Istio's format: cluster, upstream local, downstream local, then the client. */
  private static final int FIELDS_TO_ISTIO_CLIENT = 3;

  private final TimestampFormat time;
  private final UnescapedList list = new UnescapedList(FIELD_MARK);

  EnvoyTextFormat(LocalZone zone) {
    time = new IsoTimestamp(zone);
  }

  @Override
  public String name() {
    return "envoy";
  }

  @Override
  public boolean parse(byte[] b, int from, int to, RequestFacts facts) {
    facts.clear();
    facts.line().set(b, from, to);
    if (to - from < 2 || b[from] != '[') {
      return false;
    }
    int close = ByteSearch.indexOf(b, from, to, ']');
    if (close + 2 >= to || b[close + 1] != ' ' || b[close + 2] != '"') {
      return false;
    }
    facts.time().set(b, from + 1, close);
    facts.timeFormat(time);
    int end = request(b, close + 3, to, facts);
    boolean cut = to - from >= MAX_BYTES;
    if (end + 2 >= to) {
      return cut;
    }
    int at = b[end + 1] == ' ' ? Digits.status(b, end + 2, to, facts) : -1;
    if (at < 0) {
      return false;
    }
    at = flags(b, at, to, facts);
    if (at + 2 >= to || b[at] != ' ' || b[at + 1] != '"') {
      return cut;
    }
    headers(b, at + 2, to, facts);
    return true;
  }

  /** Sets method and target; gives the position of the closing quotation mark, or {@code to}. */
  private static int request(byte[] b, int from, int to, RequestFacts facts) {
    int method = ByteSearch.indexOf(b, from, to, ' ');
    int path = ByteSearch.indexOf(b, method + 1, to, ' ');
    int end = ByteSearch.indexOf(b, path, to, '"');
    set(facts.method(), b, from, method);
    set(facts.target(), b, method + 1, path);
    return end;
  }

  /** Reads what stands between status and forwarded list; gives the position behind it. */
  private static int flags(byte[] b, int from, int to, RequestFacts facts) {
    int flags = token(b, from, to);
    int next = token(b, flags, to);
    boolean refused = ByteSearch.indexOf(b, from, flags, EXTERNAL_REFUSAL) >= 0;
    int at = flags;
    if (next > flags + 1 && (b[flags + 1] < '0' || b[flags + 1] > '9')) {
      refused |= ByteSearch.indexOf(b, flags, next, REFUSAL_DETAILS) >= 0;
      // Termination details, and the quoted reason of a transport failure.
      int quote = ByteSearch.indexOf(b, next, to, '"');
      at = Math.min(to, ByteSearch.indexOf(b, quote + 1, to, '"') + 1);
    }
    facts.ownDenial(refused);
    for (int i = 0; i < NUMBERS; i++) {
      at = token(b, at, to);
    }
    return at;
  }

  /** The end of the token behind the space at {@code at}. */
  private static int token(byte[] b, int at, int to) {
    return ByteSearch.indexOf(b, Math.min(to, at + 1), to, ' ');
  }

  /** Reads forwarded list, user agent, request id, authority and upstream host. */
  private void headers(byte[] b, int from, int to, RequestFacts facts) {
    int end = ByteSearch.indexOf(b, from, to, '"');
    set(facts.forwardedFor(), b, from, end);
    facts.addressAmbiguous(list.mayEndIn(b, end, to));
    // From the right, because a user agent may hold quotation marks.
    int upstream = ByteSearch.lastIndexOf(b, end, to, FIELD_MARK);
    int authority = upstream < 0 ? -1 : ByteSearch.lastIndexOf(b, end, upstream, FIELD_MARK);
    int id = authority < 0 ? -1 : ByteSearch.lastIndexOf(b, end, authority, FIELD_MARK);
    if (id < 0) {
      return;
    }
    set(facts.host(), b, authority + FIELD_MARK.length, upstream);
    if (id >= end + FIELD_MARK.length) {
      set(facts.userAgent(), b, end + FIELD_MARK.length, id);
    }
    int at = ByteSearch.indexOf(b, upstream + FIELD_MARK.length, to, '"') + 1;
    for (int i = 0; i < FIELDS_TO_ISTIO_CLIENT && at < to; i++) {
      at = token(b, at, to);
    }
    if (at < to) {
      set(facts.client(), b, at + 1, token(b, at, to));
    }
  }

  private static void set(Slice slice, byte[] b, int from, int to) {
    if (to - from > 1 || to - from == 1 && b[from] != '-') {
      slice.set(b, from, to);
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
