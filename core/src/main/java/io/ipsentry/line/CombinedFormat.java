package io.ipsentry.line;

/**
 * The formats that nginx and Apache ship: {@code common}, {@code combined} and {@code
 * vhost_combined}.
 *
 * <pre>
 * 203.0.113.7 - - [21/Nov/2026:07:00:00 +0000] "GET /.env HTTP/1.1" 404 153 "-" "curl/8.5.0"
 * </pre>
 *
 * <p>nginx's packaged {@code main} format is {@code combined} with {@code "$http_x_forwarded_for"}
 * behind it, so a third quoted field is the forwarded list; further fields are ignored. {@code
 * vhost_combined} has {@code host:port} before the address (Apache, Debian).
 *
 * <p>User name, request, referrer and user agent are written by the client. Both servers put a
 * backslash before a quotation mark (nginx as {@code \x22}), so the first bare {@code "} behind
 * {@code ]} opens the request, whatever the user name holds. Bare quotes never come from the
 * client.
 *
 * <p>A line that ends early (cut at {@link LineFormat#MAX_BYTES}, or torn) counts as long as the
 * status is there; one that was cut inside the request has its address and the beginning of the
 * target.
 */
final class CombinedFormat implements LineFormat {
  /** Length of {@code 21/Nov/2026:07:00:00 +0000}. */
  private static final int TIME_LENGTH = 26;

  /** What is known for good behind the status; there is no other that a backend gave. */
  private static final int KNOWN = Relevance.STATUS | Relevance.ORIGIN_STATUS | Relevance.TARGET;

  /** Which fields the line has. */
  enum Variant {
    COMMON("common"),
    COMBINED("combined"),
    VHOST_COMBINED("vhost_combined");

    private final String formatName;

    Variant(String formatName) {
      this.formatName = formatName;
    }
  }

  private final Variant variant;
  private final boolean exact;
  private final TimestampFormat time = new ClfTimestamp();
  private final Scratch scratch = new Scratch();

  /**
   * @param exact whether {@code common} refuses a line with more fields, so that it can be told
   *     from {@code combined}
   */
  CombinedFormat(Variant variant, boolean exact) {
    this.variant = variant;
    this.exact = exact;
  }

  @Override
  public String name() {
    return variant.formatName;
  }

  @Override
  public boolean parse(byte[] b, int from, int to, RequestFacts facts) {
    facts.clear();
    facts.line().set(b, from, to);
    scratch.reset();
    int address = from;
    if (variant == Variant.VHOST_COMBINED) {
      address = host(b, from, to, facts);
      if (address < 0) {
        return false;
      }
    }
    int space = ByteSearch.indexOf(b, address, to, ' ');
    // A comma shows a forwarded list, which is another format: nobody vouches for its first
    // address.
    if (space == address || space >= to || b[space - 1] == ',') {
      return false;
    }
    int quote = openingQuote(b, space, to, facts);
    if (quote < 0) {
      return false;
    }
    facts.client().set(b, address, space);
    facts.timeFormat(time);
    int end = request(b, quote + 1, to, facts);
    int status = end + 2;
    if (status >= to) {
      return to - from >= MAX_BYTES;
    }
    int behind = b[end + 1] == ' ' ? Digits.status(b, status, to, facts) : -1;
    if (behind < 0) {
      return to - from >= MAX_BYTES && to - status < 3;
    }
    // Whatever follows makes no other line of it, nor another hit of what is none.
    if (variant != Variant.COMMON
        && (behind == to || b[behind] == ' ')
        && !facts.relevance().mayHit(facts, KNOWN)) {
      facts.ruledOut(true);
      return true;
    }
    return headers(b, behind, to, facts);
  }

  private static int host(byte[] b, int from, int to, RequestFacts facts) {
    int space = ByteSearch.indexOf(b, from, to, ' ');
    int colon = ByteSearch.lastIndexOf(b, from, space, ':');
    if (space == to || colon <= from || colon + 1 == space) {
      return -1;
    }
    for (int i = colon + 1; i < space; i++) {
      if (b[i] < '0' || b[i] > '9') {
        return -1;
      }
    }
    // The next field must be an address, or this is a combined line with an IPv6 address in front.
    int next = space + 1;
    if (next >= to || Character.digit(b[next], 16) < 0 && b[next] != ':') {
      return -1;
    }
    facts.host().set(b, from, space);
    return next;
  }

  /** Finds the quotation mark that opens the request, and sets the time in front of it. */
  private static int openingQuote(byte[] b, int space, int to, RequestFacts facts) {
    // " - - [" before the time and "] " behind it.
    int usual = space + 6 + TIME_LENGTH + 2;
    if (usual < to
        && b[usual] == '"'
        && b[usual - 2] == ']'
        && b[space + 5] == '['
        && b[space + 1] == '-'
        && b[space + 3] == '-') {
      facts.time().set(b, space + 6, usual - 2);
      return usual;
    }
    int quote = ByteSearch.indexOf(b, space, to, '"');
    while (quote < to) {
      if (b[quote - 1] == ' ' && b[quote - 2] == ']') {
        int open = quote - 3 - TIME_LENGTH;
        if (open <= space || b[open] != '[') {
          open = ByteSearch.lastIndexOf(b, space, quote - 2, '[');
        }
        if (open < 0) {
          return -1;
        }
        facts.time().set(b, open + 1, quote - 2);
        return quote;
      }
      quote = ByteSearch.indexOf(b, quote + 1, to, '"');
    }
    return -1;
  }

  /** Reads the request and gives the position of its closing quotation mark, or {@code to}. */
  private int request(byte[] b, int from, int to, RequestFacts facts) {
    int end = ByteSearch.quoteOrBackslash(b, from, to);
    if (end == to || b[end] == '"') {
      RequestLine.split(b, from, end, facts);
      return end;
    }
    end = ByteSearch.endOfQuoted(b, end, to);
    scratch.unescapeLog(b, from, end, facts.target());
    byte[] plain = facts.target().array();
    int plainFrom = facts.target().from();
    int plainTo = facts.target().to();
    facts.target().clear();
    RequestLine.split(plain, plainFrom, plainTo, facts);
    return end;
  }

  /** Reads what follows the status: size, referrer, user agent, forwarded list. */
  private boolean headers(byte[] b, int from, int to, RequestFacts facts) {
    if (from == to) {
      return true;
    }
    if (b[from] != ' ') {
      return false;
    }
    int at = ByteSearch.indexOf(b, from + 1, to, ' ');
    if (variant == Variant.COMMON) {
      return !exact || at == to;
    }
    if (to - at < 3 || b[at + 1] != '"') {
      return true;
    }
    at = ByteSearch.endOfQuoted(b, at + 2, to) + 1;
    at = quoted(b, at, to, facts.userAgent());
    quoted(b, at, to, facts.forwardedFor());
    return true;
  }

  private int quoted(byte[] b, int at, int to, Slice into) {
    if (to - at < 3 || b[at] != ' ' || b[at + 1] != '"') {
      return to;
    }
    int from = at + 2;
    int end = ByteSearch.quoteOrBackslash(b, from, to);
    if (end < to && b[end] == '\\') {
      end = ByteSearch.endOfQuoted(b, end, to);
      scratch.unescapeLog(b, from, end, into);
    } else if (end - from > 1 || end - from == 1 && b[from] != '-') {
      into.set(b, from, end);
    }
    return Math.min(to, end + 1);
  }
}
