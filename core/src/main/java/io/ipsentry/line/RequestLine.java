package io.ipsentry.line;

/**
 * Splits the first line of a request, {@code GET /path?query HTTP/1.1} (RFC 9112 section 3), as
 * servers log it.
 *
 * <p>What was logged need not be a request at all (TLS bytes on a plain port, an empty line), and a
 * server may be more lenient than the grammar (nginx takes several spaces before the target and the
 * version). So nothing is refused here: what follows the first space is the target, without a
 * trailing version; with no space all of it is; {@code -} and nothing are no target.
 */
final class RequestLine {
  private static final int VERSION_LENGTH = 8;

  private RequestLine() {}

  /** Sets method and target of {@code facts}. */
  static void split(byte[] b, int from, int to, RequestFacts facts) {
    if (to <= from || to - from == 1 && b[from] == '-') {
      return;
    }
    int space = ByteSearch.indexOf(b, from, to, ' ');
    if (space == to) {
      facts.target().set(b, from, to);
      return;
    }
    if (space > from) {
      facts.method().set(b, from, space);
    }
    int start = space + 1;
    while (start < to && b[start] == ' ') {
      start++;
    }
    int end = withoutVersion(b, start, to);
    while (end > start && b[end - 1] == ' ') {
      end--;
    }
    if (end > start) {
      facts.target().set(b, start, end);
    }
  }

  private static int withoutVersion(byte[] b, int from, int to) {
    int usual = to - VERSION_LENGTH;
    if (usual > from && b[usual - 1] == ' ' && isVersion(b, usual)) {
      return usual - 1;
    }
    int space = ByteSearch.lastIndexOf(b, Math.max(from, to - 2 * VERSION_LENGTH), to, ' ');
    return space >= 0 && to - space > 5 && isVersion(b, space + 1) ? space : to;
  }

  private static boolean isVersion(byte[] b, int at) {
    return b[at] == 'H'
        && b[at + 1] == 'T'
        && b[at + 2] == 'T'
        && b[at + 3] == 'P'
        && b[at + 4] == '/';
  }
}
