package io.ipsentry.watcher.source;

/**
 * Gets the lines of one stream: one path with everything that rotation makes of it, one standard
 * input, one journal. Called by the thread that polls, never by two at once.
 */
public interface LineHandler {
  /**
   * Takes one physical line, in {@code [from, to)} of {@code b}, without its line end ({@code \n}
   * or {@code \r\n}). A line longer than {@link LineSource#MAX_LINE_BYTES} was cut there. The bytes
   * are valid until the call returns.
   *
   * <p>An exception leaves {@code poll}; the line then counts as not delivered.
   *
   * @param observedAtMillis when it was read, epoch milliseconds; {@link Long#MAX_VALUE} in a
   *     replay
   * @return true when a restart may begin after this line; false inside a record that is spread
   *     over several lines (a CRI partial line): the stored position then stays before the first
   *     piece, and after a restart every line from there is given to {@link #again}
   */
  boolean line(byte[] b, int from, int to, long observedAtMillis);

  /**
   * Takes a line for the second time, after a restart: it was delivered before, behind the first
   * piece of a record that was open when the position was stored. The record must be completed by
   * it as it was; nothing may be counted, not even a record that this line ends. To be implemented
   * by a handler whose {@link #line} ever returns false.
   *
   * @return as {@link #line}
   */
  default boolean again(byte[] b, int from, int to) {
    return true;
  }

  /**
   * The stream is over and nothing more will be delivered. A record in several pieces that is still
   * open may be judged as it is.
   */
  default void end() {}

  /** Format of the lines as {@code status} shows it, such as {@code combined}; empty if unknown. */
  default String format() {
    return "";
  }
}
