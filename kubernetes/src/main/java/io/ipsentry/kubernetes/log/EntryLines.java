package io.ipsentry.kubernetes.log;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * The events of an entry, a JSON object each with its line feed; as a text, or compressed, which
 * takes about a tenth of the memory. Equal if the text is. Immutable.
 */
final class EntryLines {
  /** Of nothing. */
  static final EntryLines NONE = of("");

  /** Bytes from which on it is worth to be compressed. */
  private static final int WORTH = 4 * 1024;

  private final int length;
  private final byte @Nullable [] compressed;
  private final String text;

  private EntryLines(int length, byte @Nullable [] compressed, String text) {
    this.length = length;
    this.compressed = compressed;
    this.text = text;
  }

  static EntryLines of(String text) {
    return new EntryLines(text.length(), null, text);
  }

  boolean isEmpty() {
    return length == 0;
  }

  /** In characters. */
  int length() {
    return length;
  }

  /** Takes about a millisecond where it is compressed. */
  String text() {
    if (compressed == null) {
      return text;
    }
    try (Inflater inflater = new Inflater()) {
      inflater.setInput(compressed);
      byte[] bytes = new byte[length];
      ByteArrayOutputStream target = new ByteArrayOutputStream(length);
      while (!inflater.finished()) {
        int count = inflater.inflate(bytes);
        if (count == 0 && !inflater.finished()) {
          throw new IllegalStateException("what was compressed here has no end");
        }
        target.write(bytes, 0, count);
      }
      return target.toString(StandardCharsets.UTF_8);
    } catch (DataFormatException e) {
      throw new IllegalStateException("what was compressed here cannot be read", e);
    }
  }

  /** Whether {@link #compressed} would make it smaller. */
  boolean isWorthCompressing() {
    return compressed == null && length >= WORTH;
  }

  /** The same, compressed; takes a few milliseconds. */
  EntryLines compressed() {
    if (!isWorthCompressing()) {
      return this;
    }
    try (Deflater deflater = new Deflater(Deflater.BEST_SPEED)) {
      deflater.setInput(text.getBytes(StandardCharsets.UTF_8));
      deflater.finish();
      byte[] bytes = new byte[WORTH];
      ByteArrayOutputStream target = new ByteArrayOutputStream(length / 8);
      while (!deflater.finished()) {
        target.write(bytes, 0, deflater.deflate(bytes));
      }
      return new EntryLines(length, target.toByteArray(), "");
    }
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof EntryLines lines
        && length == lines.length
        && text().equals(lines.text());
  }

  @Override
  public int hashCode() {
    return length;
  }

  @Override
  public String toString() {
    return length + " characters of events";
  }
}
