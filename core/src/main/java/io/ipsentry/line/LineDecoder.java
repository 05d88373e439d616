package io.ipsentry.line;

/**
 * Turns the lines of one stream into facts: takes off a container wrapper, then applies a format.
 *
 * <p>One for each file or stream, fed in order. A line longer than {@link LineFormat#MAX_BYTES} is
 * cut there and still judged. A line end ({@code \n}, {@code \r\n}) at the end of the bytes is
 * ignored. Never throws for any bytes. Confined to one thread.
 */
public final class LineDecoder {
  /** What came of one line. */
  public enum Outcome {
    /** The facts are filled. */
    FACTS,
    /**
     * The line is one part of a longer one. A restart must begin before the first part of it, that
     * is before the line that made {@link LineDecoder#hasParts()} true.
     */
    PARTIAL,
    /** The line is not of the format. */
    UNMATCHED,
    /** The line holds nothing. */
    EMPTY
  }

  /** After so many lines in a row that do not match, a wrapper is looked for again. */
  private static final int UNMATCHED_TO_UNSETTLE = 100;

  private final LineFormat format;
  private final ContainerLogUnwrapper unwrapper;
  private int unmatched;

  LineDecoder(LineFormat format, LocalZone zone) {
    this.format = format;
    this.unwrapper = new ContainerLogUnwrapper(zone);
  }

  /**
   * The format, as configured; for {@code auto} its {@link LineFormat#name()} says what it chose.
   */
  public LineFormat format() {
    return format;
  }

  /**
   * Name of the container wrapper, {@code cri} or {@code docker-json}; empty when there is none so
   * far.
   */
  public String wrapperName() {
    return unwrapper.wrapperName();
  }

  /** Whether parts of a line have been read and its end has not. */
  public boolean hasParts() {
    return unwrapper.hasParts();
  }

  /**
   * Decodes one line.
   *
   * @param b holds the line at {@code [from, to)}
   * @param facts filled when the outcome is {@link Outcome#FACTS}; points into {@code b} or into
   *     this decoder until the next call
   */
  public Outcome decode(byte[] b, int from, int to, RequestFacts facts) {
    facts.runtimeMillis(RequestFacts.NO_TIME);
    int end = withoutLineEnd(b, from, to);
    if (end == from) {
      facts.clear();
      facts.line().set(b, from, from);
      return Outcome.EMPTY;
    }
    if (unwrapper.read(b, from, end) == ContainerLogUnwrapper.Result.PART) {
      facts.clear();
      return Outcome.PARTIAL;
    }
    Slice line = unwrapper.line();
    facts.runtimeMillis(unwrapper.runtimeMillis());
    int lineEnd = withoutLineEnd(line.array(), line.from(), line.to());
    if (lineEnd == line.from()) {
      facts.clear();
      facts.line().set(b, from, from);
      return Outcome.EMPTY;
    }
    int cut = Math.min(lineEnd, line.from() + LineFormat.MAX_BYTES);
    if (format.parse(line.array(), line.from(), cut, facts)) {
      unmatched = 0;
      unwrapper.settleOnPlain();
      return Outcome.FACTS;
    }
    if (++unmatched == UNMATCHED_TO_UNSETTLE) {
      unmatched = 0;
      unwrapper.unsettle();
    }
    facts.line().set(line.array(), line.from(), cut);
    return Outcome.UNMATCHED;
  }

  private static int withoutLineEnd(byte[] b, int from, int to) {
    int end = to;
    while (end > from && (b[end - 1] == '\n' || b[end - 1] == '\r')) {
      end--;
    }
    return end;
  }
}
