package io.ipsentry.sink;

/**
 * How far a sink is.
 *
 * @param seq number of the last event that it has taken
 * @param logId name of the log that the number is of
 */
public record SinkPosition(long seq, String logId) {
  public SinkPosition {
    if (seq < 0) {
      throw new IllegalArgumentException("a position is 0 or more, is " + seq);
    }
  }
}
