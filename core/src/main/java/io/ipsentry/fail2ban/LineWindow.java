package io.ipsentry.fail2ban;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * The last lines of a stream, as many as a filter looks at together, each without its stamp and
 * with a line feed. Lines that were part of a match are taken out. Confined to one thread.
 */
final class LineWindow {
  /** Longest text of all lines, in bytes; beyond it the oldest go. */
  static final int MAX_BYTES = 64 * 1024;

  private final int maxlines;
  private final Deque<byte[]> lines = new ArrayDeque<>();
  private int bytes;

  LineWindow(int maxlines) {
    this.maxlines = maxlines;
  }

  void add(byte[] b, int from, int to) {
    byte[] line = Arrays.copyOfRange(b, from, to);
    lines.addLast(line);
    bytes += line.length;
    while (lines.size() > maxlines || bytes > MAX_BYTES && lines.size() > 1) {
      bytes -= lines.removeFirst().length;
    }
  }

  /** All lines as one text. */
  byte[] text() {
    ByteArrayOutputStream text = new ByteArrayOutputStream(bytes);
    lines.forEach(text::writeBytes);
    return text.toByteArray();
  }

  /** The lines that {@code text()[from, to)} is part of, as one text. */
  byte[] part(int from, int to) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    int at = 0;
    for (byte[] line : lines) {
      if (isPart(at, line, from, to)) {
        text.writeBytes(line);
      }
      at += line.length;
    }
    return text.toByteArray();
  }

  /**
   * Takes out the lines that a match of {@code text()[from, to)} is part of.
   *
   * @param kept texts of lines that the match passed over; they stay
   */
  void remove(int from, int to, List<String> kept) {
    List<String> stay = new ArrayList<>(kept);
    int at = 0;
    List<byte[]> left = new ArrayList<>();
    for (byte[] line : lines) {
      if (!isPart(at, line, from, to) || stay.remove(asText(line))) {
        left.add(line);
      }
      at += line.length;
    }
    lines.clear();
    bytes = 0;
    for (byte[] line : left) {
      lines.addLast(line);
      bytes += line.length;
    }
  }

  void clear() {
    lines.clear();
    bytes = 0;
  }

  private static boolean isPart(int at, byte[] line, int from, int to) {
    return at < Math.max(to, from + 1) && at + line.length > from;
  }

  private static String asText(byte[] line) {
    String text = new String(line, StandardCharsets.UTF_8);
    return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
  }
}
