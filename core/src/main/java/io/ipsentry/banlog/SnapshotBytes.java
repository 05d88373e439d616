package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanSnapshot;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * A {@link BanSnapshot} in memory, in parts, so that a large one needs no array of its size.
 *
 * @param head number of the last event in it
 * @param newestMillis the newest time in its events
 * @param parts at most {@value #PART_BYTES} bytes each; nobody may change them
 */
public record SnapshotBytes(long head, long newestMillis, List<byte[]> parts) {
  /** Size of all parts but the last. */
  static final int PART_BYTES = 1 << 20;

  public SnapshotBytes {
    parts = List.copyOf(parts);
  }

  /** Encodes a state; whoever wants to apply to it waits meanwhile. */
  public static SnapshotBytes of(ActiveBans state) {
    List<byte[]> parts = new ArrayList<>();
    try (OutputStream out = new PartsOutput(parts)) {
      BanSnapshot.write(state, out);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return new SnapshotBytes(
        state.head(), state.newestTime().map(Instant::toEpochMilli).orElse(Long.MIN_VALUE), parts);
  }

  /** Bytes of all parts. */
  public long size() {
    return parts.stream().mapToLong(part -> part.length).sum();
  }

  private static final class PartsOutput extends OutputStream {
    private final List<byte[]> parts;
    private ByteArrayOutputStream part = new ByteArrayOutputStream();

    PartsOutput(List<byte[]> parts) {
      this.parts = parts;
    }

    @Override
    public void write(int value) {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      int done = 0;
      while (done < length) {
        int count = Math.min(length - done, PART_BYTES - part.size());
        part.write(bytes, offset + done, count);
        done += count;
        if (part.size() == PART_BYTES) {
          endPart();
        }
      }
    }

    private void endPart() {
      parts.add(part.toByteArray());
      part.reset();
    }

    @Override
    public void close() {
      if (part.size() > 0) {
        endPart();
      }
    }
  }
}
