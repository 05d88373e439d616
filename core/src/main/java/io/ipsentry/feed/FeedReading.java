package io.ipsentry.feed;

import java.util.List;

/** What became of reading a list. */
public sealed interface FeedReading {
  /** Bad lines that are shown; the rest is only counted. */
  int MAX_SHOWN = 5;

  /**
   * A line, or an entry of a JSON list, that cannot be read.
   *
   * @param line its number, from 1
   * @param reason for people, with the start of what stands there
   */
  record BadLine(long line, String reason) {
    @Override
    public String toString() {
      return "line " + line + ": " + reason;
    }
  }

  /**
   * It was read.
   *
   * @param format how it was written
   * @param taken entries that were taken, before those within others were merged
   * @param skipped entries that were well-formed and not wanted: below the level or confidence, of
   *     another scope, over
   * @param bad lines that could not be read
   * @param shown the first of them
   */
  record Read(
      FeedContent content, FeedFormat format, int taken, int skipped, int bad, List<BadLine> shown)
      implements FeedReading {
    public Read {
      shown = List.copyOf(shown);
    }
  }

  /**
   * None of it may be used.
   *
   * @param reason for people
   */
  record Refused(String reason) implements FeedReading {}
}
