package io.ipsentry.line;

import java.util.Map;

/**
 * One way to write a log line: turns bytes into {@link RequestFacts}.
 *
 * <p>An implementation never throws for any bytes, allocates nothing for a line in the usual form,
 * and takes time linear in its length. It may own scratch space (for unescaped values) that the
 * facts point into until the next call. Confined to one thread.
 */
public interface LineFormat {
  /**
   * A line longer than this, in bytes, is cut there before it is parsed, and is still judged: a
   * format takes what it found before the cut when the line is this long.
   */
  int MAX_BYTES = 16 * 1024;

  /** Name in the configuration and in messages, such as {@code combined}. */
  String name();

  /**
   * Reads one line.
   *
   * @param line holds the line at {@code [from, to)}, without its line end and without a container
   *     wrapper
   * @param facts cleared first, then filled; undefined when the result is false
   * @return false when the line is not of this format
   */
  boolean parse(byte[] line, int from, int to, RequestFacts facts);

  /**
   * How many lines had a stamp of which form, for people; empty for a format whose stamps have one
   * form.
   */
  default Map<String, Long> stamps() {
    return Map.of();
  }
}
