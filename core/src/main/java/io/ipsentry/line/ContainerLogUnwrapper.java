package io.ipsentry.line;

import java.nio.charset.StandardCharsets;

/**
 * Takes the lines that a program wrote out of the lines that a container runtime wrote, and joins
 * parts.
 *
 * <pre>
 * 2026-11-21T07:00:00.123456789Z stdout F the line                                       (CRI)
 * {"log":"the line\n","stream":"stdout","time":"2026-11-21T07:00:00.123456789Z"}          (docker)
 * </pre>
 *
 * <p>A runtime cuts long lines, after 16 KiB as a rule: CRI marks all parts but the last with
 * {@code P}, docker leaves out the {@code \n}. Parts of stdout and stderr may alternate, so each is
 * joined for itself. Of a joined line {@value LineFormat#MAX_BYTES} bytes are kept. Its time is
 * that of the first part, as the program began to write it then.
 *
 * <p>The wrapper is recognised by itself: each line is tried until the first that has a wrapper.
 * {@link #settleOnPlain()} ends the trying when the caller has made sense of a line without one.
 *
 * <p>One for each file. Confined to one thread.
 */
final class ContainerLogUnwrapper {
  /** What came of one line. */
  enum Result {
    /** A whole line is at {@link #line()}. */
    WHOLE,
    /** A part; the line is not complete yet. */
    PART
  }

  private enum Wrapper {
    UNKNOWN,
    NONE,
    CRI,
    DOCKER
  }

  private static final byte[] STDOUT = ascii("stdout ");
  private static final byte[] STDERR = ascii("stderr ");
  private static final byte[] STDERR_WORD = ascii("stderr");
  private static final byte[] DOCKER_OPEN = ascii("{\"log\":\"");
  private static final byte[] STREAM_KEY = ascii("\"stream\":\"");
  private static final byte[] TIME_KEY = ascii("\"time\":\"");
  private static final byte[] NEWLINE = ascii("\\n");

  /** Length of the shortest stamp, {@code 2026-11-21T07:00:00Z}. */
  private static final int SHORTEST_STAMP = 20;

  /** Length of the longest stamp, with nanoseconds and an offset. */
  private static final int LONGEST_STAMP = 35;

  private final TimestampFormat time;
  private final Parts out = new Parts();
  private final Parts err = new Parts();
  private final Scratch scratch = new Scratch();
  private final Slice line = new Slice();
  private Wrapper wrapper = Wrapper.UNKNOWN;
  private long runtimeMillis = RequestFacts.NO_TIME;

  ContainerLogUnwrapper(LocalZone zone) {
    time = new IsoTimestamp(zone);
  }

  /** The line after {@link Result#WHOLE}, without its line end; valid until the next call. */
  Slice line() {
    return line;
  }

  /** When the runtime received the line, in epoch milliseconds, or {@link RequestFacts#NO_TIME}. */
  long runtimeMillis() {
    return runtimeMillis;
  }

  /** Whether the first parts of a line have been read and its last has not. */
  boolean hasParts() {
    return out.open || err.open;
  }

  /** Lines have no wrapper, unless one had already. */
  void settleOnPlain() {
    if (wrapper == Wrapper.UNKNOWN) {
      wrapper = Wrapper.NONE;
    }
  }

  /** Tries for a wrapper again, after {@link #settleOnPlain()}. */
  void unsettle() {
    if (wrapper == Wrapper.NONE) {
      wrapper = Wrapper.UNKNOWN;
    }
  }

  /** The wrapper's name, {@code cri} or {@code docker-json}, or empty when there is none so far. */
  String wrapperName() {
    return switch (wrapper) {
      case CRI -> "cri";
      case DOCKER -> "docker-json";
      case UNKNOWN, NONE -> "";
    };
  }

  /** Reads one line of the file; a line without a wrapper is {@link Result#WHOLE} as it stands. */
  Result read(byte[] b, int from, int to) {
    runtimeMillis = RequestFacts.NO_TIME;
    scratch.reset();
    boolean tryAll = wrapper == Wrapper.UNKNOWN;
    if (wrapper == Wrapper.CRI || tryAll && to > from && b[from] >= '0' && b[from] <= '9') {
      int stream = criStream(b, from, to);
      if (stream > 0) {
        wrapper = Wrapper.CRI;
        return cri(b, from, stream, to);
      }
    } else if (wrapper == Wrapper.DOCKER || tryAll) {
      int end = dockerEnd(b, from, to);
      if (end > 0) {
        wrapper = Wrapper.DOCKER;
        return docker(b, from + DOCKER_OPEN.length, end, to);
      }
    }
    line.set(b, from, to);
    return Result.WHOLE;
  }

  /** Where {@code stdout F } begins, or −1. */
  private static int criStream(byte[] b, int from, int to) {
    int limit = Math.min(to, from + LONGEST_STAMP + 1);
    int space = ByteSearch.indexOf(b, from, limit, ' ');
    int stream = space + 1;
    if (space == limit || space - from < SHORTEST_STAMP || b[from + 10] != 'T') {
      return -1;
    }
    int tag = stream + STDOUT.length;
    boolean known =
        ByteSearch.startsWith(b, stream, to, STDOUT)
            || ByteSearch.startsWith(b, stream, to, STDERR);
    return known && tag < to && (b[tag] == 'F' || b[tag] == 'P') ? stream : -1;
  }

  private Result cri(byte[] b, int from, int stream, int to) {
    Parts parts = b[stream + 3] == 'o' ? out : err;
    int tag = stream + STDOUT.length;
    // More tags may follow the first, behind colons; a line without content may lack the last
    // space.
    int content = Math.min(to, ByteSearch.indexOf(b, tag, to, ' ') + 1);
    long at = time.parse(b, from, stream - 1);
    return add(parts, b, content, to, at, b[tag] == 'P');
  }

  /** The quotation mark that ends the log member of a docker line, or −1. */
  private static int dockerEnd(byte[] b, int from, int to) {
    if (!ByteSearch.startsWith(b, from, to, DOCKER_OPEN)) {
      return -1;
    }
    int end = ByteSearch.endOfQuoted(b, from + DOCKER_OPEN.length, to);
    int key = ByteSearch.indexOf(b, end, to, TIME_KEY);
    return key < 0 ? -1 : end;
  }

  private Result docker(byte[] b, int from, int end, int to) {
    int stream = ByteSearch.indexOf(b, end, to, STREAM_KEY);
    boolean error =
        stream > 0 && ByteSearch.startsWith(b, stream + STREAM_KEY.length, to, STDERR_WORD);
    int stamp = ByteSearch.indexOf(b, end, to, TIME_KEY) + TIME_KEY.length;
    long at = time.parse(b, stamp, ByteSearch.indexOf(b, stamp, to, '"'));
    boolean part = !ByteSearch.startsWith(b, end - NEWLINE.length, end, NEWLINE);
    int escape = ByteSearch.indexOf(b, from, end, '\\');
    int textEnd = part ? end : end - NEWLINE.length;
    if (escape >= textEnd) {
      return add(error ? err : out, b, from, textEnd, at, part);
    }
    scratch.unescapeJson(b, from, textEnd, line);
    return add(error ? err : out, line.array(), line.from(), line.to(), at, part);
  }

  private Result add(Parts parts, byte[] b, int from, int to, long at, boolean more) {
    if (!more && !parts.open) {
      runtimeMillis = at;
      line.set(b, from, to);
      return Result.WHOLE;
    }
    parts.add(b, from, to, at);
    if (more) {
      return Result.PART;
    }
    runtimeMillis = parts.at;
    line.set(parts.bytes, 0, parts.used);
    parts.open = false;
    return Result.WHOLE;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** The parts of one line of one stream. */
  private static final class Parts {
    private byte[] bytes = {};
    private int used;
    private boolean open;
    private long at = RequestFacts.NO_TIME;

    void add(byte[] b, int from, int to, long partAt) {
      if (!open) {
        open = true;
        used = 0;
        at = partAt;
        if (bytes.length == 0) {
          bytes = new byte[LineFormat.MAX_BYTES];
        }
      }
      int taken = Math.min(to - from, bytes.length - used);
      System.arraycopy(b, from, bytes, used, taken);
      used += taken;
    }
  }
}
