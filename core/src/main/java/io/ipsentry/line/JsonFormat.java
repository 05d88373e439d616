package io.ipsentry.line;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A line that is one JSON object, of which a few members are wanted: the scanner that all JSON
 * formats share.
 *
 * <p>One pass from the left; members that are not wanted, with whatever is nested in them, are
 * stepped over. The order of members and spaces between them do not matter. Strings, whose content
 * the client may have chosen, are followed exactly (RFC 8259 section 7), so no value can pass for a
 * member. Otherwise the scanner is lenient: numbers and literals are not checked.
 *
 * <p>When a name comes twice, the first one wins: nginx without {@code escape=json} lets a client
 * write bare quotes, and what the server wrote in front cannot be overwritten by it. A name with an
 * escape in it is not recognised.
 *
 * <p>{@code null}, {@code ""} and {@code "-"} are absent. An object that ends early is refused,
 * unless the line was cut at {@link LineFormat#MAX_BYTES}.
 */
abstract class JsonFormat implements LineFormat {
  private static final byte[] EXTERNAL_REFUSAL = ascii("UAEX");
  private static final String REFUSAL_DETAILS = "ext_authz_denied";
  private static final String BANNED = "banned";

  /** The slot of a name that holds an escape: none, and not to be remembered either. */
  private static final int ESCAPED_NAME = -2;

  private final String name;
  private final JsonKeys keys;
  private final TimestampFormat time;
  private final Scratch scratch = new Scratch();
  private final Slice value = new Slice();
  private final Slice requestLine = new Slice();
  private final JsonMemberOrder order = new JsonMemberOrder();
  private final byte[] ranks = new byte[JsonField.COUNT];
  private int foundSlot;
  private int seen;
  private boolean cut;

  /** What is known for good, as {@link Relevance} counts it. */
  private int known;

  /** Whether to ask about relevance at all: not when the line is torn or cut. */
  private boolean asks;

  private boolean irrelevant;

  JsonFormat(String name, JsonKeys keys, TimestampFormat time) {
    this.name = name;
    this.keys = keys;
    this.time = time;
  }

  @Override
  public final String name() {
    return name;
  }

  /**
   * Names inside the object that is the value of {@code field}, or null when it is not looked into.
   */
  @Nullable JsonKeys inside(JsonField field) {
    return null;
  }

  /**
   * Whether the members that were found make a line of this format. Further members never make that
   * untrue.
   */
  abstract boolean matches(RequestFacts facts);

  /** Completes the facts of a line of this format from what was found. */
  void complete(RequestFacts facts) {}

  /** Whether the line had a member for this field, with a value or without. */
  final boolean has(JsonField field) {
    return (seen & 1 << field.index()) != 0;
  }

  @Override
  public final boolean parse(byte[] b, int from, int to, RequestFacts facts) {
    facts.clear();
    facts.line().set(b, from, to);
    int at = skipSpace(b, from, to);
    if (at == to || b[at] != '{') {
      return false;
    }
    scratch.reset();
    requestLine.clear();
    Arrays.fill(ranks, (byte) 0);
    seen = 0;
    known = 0;
    irrelevant = false;
    cut = to - from >= MAX_BYTES;
    asks = !cut && b[to - 1] == '}';
    int end = members(b, at, to, facts);
    if (facts.ruledOut()) {
      return true;
    }
    boolean whole = end >= 0 && skipSpace(b, end, to) == to;
    if (!whole && (end >= 0 || !cut)) {
      return false;
    }
    facts.timeFormat(time);
    if (!facts.target().isPresent() && requestLine.isPresent()) {
      RequestLine.split(requestLine.array(), requestLine.from(), requestLine.to(), facts);
    }
    if (!matches(facts)) {
      return false;
    }
    complete(facts);
    return true;
  }

  /**
   * Reads the whole line from its brace; gives the position behind the closing brace, or −1. Stops
   * where the line is ruled out.
   */
  private int members(byte[] b, int from, int to, RequestFacts facts) {
    int i = from;
    int member = 0;
    do {
      int slot;
      int length = order.guess(b, i, to, member);
      if (length > 0) {
        slot = order.slot(member);
        i += length;
      } else {
        int delimiter = i;
        i = skipSpace(b, i + 1, to);
        if (member == 0 && i < to && b[i] == '}') {
          return i + 1;
        }
        i = name(b, i, to, keys);
        slot = foundSlot;
        if (i < 0) {
          return -1;
        }
        i = i < to && b[i] == '"' ? i + 1 : i;
        if (slot != ESCAPED_NAME) {
          order.keep(b, delimiter, i, member, slot);
        }
      }
      member++;
      if (slot >= 0) {
        i = value(b, b[i - 1] == '"' ? i - 1 : i, to, keys, slot, facts);
        if (facts.ruledOut()) {
          return i;
        }
      } else if (b[i - 1] == '"') {
        i = ByteSearch.endOfQuoted(b, i, to) + 1;
      } else {
        i = skipValue(b, i, to);
      }
      if (i < 0) {
        return -1;
      }
      i = skipSpace(b, i, to);
    } while (i < to && b[i] == ',');
    return i < to && b[i] == '}' ? i + 1 : -1;
  }

  /** Reads an object inside the line from its brace; gives the position behind it, or −1. */
  private int object(byte[] b, int from, int to, JsonKeys wanted, RequestFacts facts) {
    int i = skipSpace(b, from + 1, to);
    if (i < to && b[i] == '}') {
      return i + 1;
    }
    i = from;
    do {
      i = name(b, skipSpace(b, i + 1, to), to, wanted);
      if (i < 0) {
        return -1;
      }
      i = foundSlot < 0 ? skipValue(b, i, to) : value(b, i, to, wanted, foundSlot, facts);
      if (i < 0 || facts.ruledOut()) {
        return i;
      }
      i = skipSpace(b, i, to);
    } while (i < to && b[i] == ',');
    return i < to && b[i] == '}' ? i + 1 : -1;
  }

  /**
   * Reads a name and the colon, and leaves its slot in {@code foundSlot}.
   *
   * @return where the value begins, or −1
   */
  private int name(byte[] b, int from, int to, JsonKeys wanted) {
    if (from >= to || b[from] != '"') {
      return -1;
    }
    int end = ByteSearch.quoteOrBackslash(b, from + 1, to);
    if (end < to && b[end] == '"') {
      foundSlot = wanted.find(b, from + 1, end);
    } else {
      foundSlot = ESCAPED_NAME;
      end = ByteSearch.endOfQuoted(b, end, to);
    }
    int colon = skipSpace(b, end + 1, to);
    return colon < to && b[colon] == ':' ? skipSpace(b, colon + 1, to) : -1;
  }

  /** Reads a wanted value; gives the position behind it, or −1. */
  private int value(byte[] b, int from, int to, JsonKeys wanted, int slot, RequestFacts facts) {
    if (from >= to) {
      return -1;
    }
    JsonField field = wanted.field(slot);
    int rank = wanted.rank(slot);
    boolean first = !has(field);
    seen |= 1 << field.index();
    if (b[from] == '{') {
      JsonKeys inner = first ? inside(field) : null;
      return inner == null ? skipNested(b, from, to) : object(b, from, to, inner, facts);
    }
    boolean better = rank > ranks[field.index()];
    int end;
    if (b[from] == '"') {
      end = string(b, from, to, better);
    } else if (b[from] == '[') {
      end = array(b, from, to, better, field == JsonField.FORWARDED_FOR);
    } else {
      end = scalarEnd(b, from, to);
      value.clear();
      if (end > from && b[from] != 'n') {
        value.set(b, from, end);
      }
    }
    boolean complete = end >= 0 || cut && field.mayBeCut() && b[from] == '"';
    if (better && complete && isValue()) {
      ranks[field.index()] = (byte) rank;
      take(field, facts);
      if (asks && wanted.isPreferred(slot)) {
        ask(field, facts);
      }
    }
    return end;
  }

  /**
   * Asks whether the line can still be a hit, now that {@code field} is known, and rules it out if
   * not. Another member of the same name changes nothing, because the first one wins.
   */
  private void ask(JsonField field, RequestFacts facts) {
    int news =
        switch (field) {
          case STATUS -> Relevance.STATUS;
          case ORIGIN_STATUS -> Relevance.ORIGIN_STATUS;
          case TARGET -> Relevance.TARGET;
          default -> 0;
        };
    known |= news;
    irrelevant |= news != 0 && !facts.relevance().mayHit(facts, known);
    if (irrelevant && matches(facts)) {
      facts.ruledOut(true);
    }
  }

  private boolean isValue() {
    int length = value.length();
    return length > 1 || length == 1 && value.array()[value.from()] != '-';
  }

  private int string(byte[] b, int from, int to, boolean wanted) {
    int end = ByteSearch.quoteOrBackslash(b, from + 1, to);
    if (end < to && b[end] == '\\') {
      end = ByteSearch.endOfQuoted(b, end, to);
      if (wanted && end < to) {
        scratch.unescapeJson(b, from + 1, end, value);
      }
    } else {
      value.set(b, from + 1, end);
    }
    return end < to ? end + 1 : -1;
  }

  /** Reads an array of strings, of which the first or the last is the value. */
  private int array(byte[] b, int from, int to, boolean wanted, boolean last) {
    int end = skipNested(b, from, to);
    value.clear();
    int i = skipSpace(b, from + 1, to);
    boolean more = end >= 0 && wanted;
    while (more && i < end && b[i] == '"') {
      i = skipSpace(b, string(b, i, to, true), to);
      more = last && i < end && b[i] == ',';
      i = more ? skipSpace(b, i + 1, to) : i;
    }
    return end;
  }

  private void take(JsonField field, RequestFacts facts) {
    switch (field) {
      case CLIENT -> facts.client().set(value);
      case PEER -> facts.peer().set(value);
      case FORWARDED_FOR -> facts.forwardedFor().set(value);
      case TIME -> facts.time().set(value);
      case METHOD -> facts.method().set(value);
      case HOST -> facts.host().set(value);
      case TARGET -> facts.target().set(value);
      case REQUEST_LINE -> requestLine.set(value);
      case USER_AGENT -> facts.userAgent().set(value);
      case STATUS -> facts.status(leadingNumber());
      case ORIGIN_STATUS -> facts.originStatus(leadingNumber());
      case RESPONSE_FLAGS -> {
        if (ByteSearch.indexOf(value.array(), value.from(), value.to(), EXTERNAL_REFUSAL) >= 0) {
          facts.ownDenial(true);
        }
      }
      case RESPONSE_DETAILS -> {
        if (value.equalsAscii(REFUSAL_DETAILS)) {
          facts.ownDenial(true);
        }
      }
      case VERDICT -> {
        if (value.equalsAscii(BANNED)) {
          facts.ownDenial(true);
        }
      }
      case REQUEST, HEADERS -> {}
    }
  }

  /**
   * The number that the value begins with, {@code 404} of {@code 404.0} too; 0 when there is none.
   */
  private int leadingNumber() {
    byte[] b = value.array();
    int end = value.from();
    while (end < value.to() && b[end] >= '0' && b[end] <= '9') {
      end++;
    }
    int number = Digits.number(b, value.from(), end);
    return number < 0 || number > 999 ? 0 : number;
  }

  /** Steps over one value; gives the position behind it, or −1. */
  private static int skipValue(byte[] b, int from, int to) {
    if (from >= to) {
      return -1;
    }
    if (b[from] == '"') {
      int end = ByteSearch.endOfQuoted(b, from + 1, to);
      return end < to ? end + 1 : -1;
    }
    return b[from] == '{' || b[from] == '[' ? skipNested(b, from, to) : scalarEnd(b, from, to);
  }

  /** Steps over an object or array, however deep. */
  private static int skipNested(byte[] b, int from, int to) {
    int depth = 0;
    int i = from;
    while (i < to) {
      switch (b[i]) {
        case '"' -> i = ByteSearch.endOfQuoted(b, i + 1, to);
        case '{', '[' -> depth++;
        case '}', ']' -> {
          if (--depth == 0) {
            return i + 1;
          }
        }
        default -> {}
      }
      i++;
    }
    return -1;
  }

  /** The end of a number or literal, or −1 when there is none. */
  private static int scalarEnd(byte[] b, int from, int to) {
    int i = ByteSearch.endOfDigits(b, from, to);
    while (i < to && b[i] != ',' && b[i] != '}' && b[i] != ']' && !isSpace(b[i])) {
      i++;
    }
    return i > from ? i : -1;
  }

  private static int skipSpace(byte[] b, int from, int to) {
    // Nearly always there is none; bytes above 0x7f are negative and take the second look.
    return from < to && b[from] > ' ' ? from : skipSpaces(b, from, to);
  }

  private static int skipSpaces(byte[] b, int from, int to) {
    int i = from;
    while (i < to && isSpace(b[i])) {
      i++;
    }
    return Math.min(i, to);
  }

  private static boolean isSpace(byte c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
