package io.ipsentry.feed;

import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * An address or prefix a line, in ipsum with the number of lists that hold it. What follows {@code
 * #} or {@code ;} is a comment; empty lines are none. Stateless.
 */
final class PlainList {
  private static final int MAX_LEVEL_DIGITS = 6;

  private PlainList() {}

  /**
   * Reads a list.
   *
   * @param minimumLevel of ipsum; 0: there is no number
   */
  static void read(InputStream in, int minimumLevel, FeedEntries entries, EntryLimit limit)
      throws IOException {
    LineScanner lines = new LineScanner(in);
    while (lines.next()) {
      byte[] b = lines.buffer();
      int from = lines.start();
      int to = from;
      while (to < lines.end() && b[to] != '#' && b[to] != ';') {
        to++;
      }
      while (from < to && isBlank(b[from])) {
        from++;
      }
      while (from < to && isBlank(b[to - 1])) {
        to--;
      }
      if (from == to && !lines.isCut()) {
        continue;
      }
      limit.check(entries.size());
      if (lines.isCut() && to == lines.end()) {
        entries.bad(lines.number(), "is longer than 16 KiB");
      } else if (minimumLevel == 0) {
        entries.take(b, from, to, null, lines.number());
      } else {
        levelled(b, from, to, minimumLevel, lines.number(), entries);
      }
    }
  }

  private static void levelled(
      byte[] b, int from, int to, int minimumLevel, long line, FeedEntries entries) {
    int blank = from;
    while (blank < to && !isBlank(b[blank])) {
      blank++;
    }
    int digits = blank;
    while (digits < to && isBlank(b[digits])) {
      digits++;
    }
    Integer level = level(b, digits, to);
    if (level == null) {
      entries.bad(line, FeedEntries.quoted(b, from, to) + " has no number of lists");
    } else if (level < minimumLevel) {
      entries.skip();
    } else {
      entries.take(b, from, blank, null, line);
    }
  }

  private static @Nullable Integer level(byte[] b, int from, int to) {
    if (from == to || to - from > MAX_LEVEL_DIGITS) {
      return null;
    }
    int level = 0;
    for (int i = from; i < to; i++) {
      if (b[i] < '0' || b[i] > '9') {
        return null;
      }
      level = level * 10 + b[i] - '0';
    }
    return level;
  }

  static boolean isBlank(byte b) {
    return b == ' ' || b == '\t' || b == '\r';
  }
}
