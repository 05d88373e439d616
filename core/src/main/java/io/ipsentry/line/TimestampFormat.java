package io.ipsentry.line;

/**
 * How the time stamp of a line is written.
 *
 * <p>Implementations may keep the day they parsed last, so that most stamps cost a few additions;
 * confined to one thread.
 */
public interface TimestampFormat {
  /** A line without a time stamp. */
  TimestampFormat NONE = (line, from, to) -> RequestFacts.NO_TIME;

  /**
   * Reads the stamp in {@code [from, to)}.
   *
   * @return epoch milliseconds, or {@link RequestFacts#NO_TIME} when it is not a stamp of this form
   */
  long parse(byte[] line, int from, int to);
}
