package io.ipsentry.watcher;

import io.ipsentry.banlog.Checkpoints;
import java.io.ByteArrayInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * A checkpoint as {@code NAME/0}, {@code NAME/1} and so on, of {@value #PIECE} bytes each but the
 * last: it is written twice, for its hash and to be stored, and never in memory as a whole. What it
 * is written from must not change in between. Confined to one thread.
 */
final class PiecedCheckpoint {
  static final int PIECE = 256 * 1024;

  private final String name;
  private final Writer writer;
  private final long hash;

  /** Writes all of it; the same each time. */
  @FunctionalInterface
  interface Writer {
    void writeTo(DataOutput out) throws IOException;
  }

  PiecedCheckpoint(String name, Writer writer) {
    this.name = name;
    this.writer = writer;
    HashingStream hashing = new HashingStream();
    writeTo(hashing);
    hash = hashing.hash();
  }

  String name() {
    return name;
  }

  /** See {@link HashingStream}. */
  long hash() {
    return hash;
  }

  /**
   * What was loaded of a name: the pieces, or the one checkpoint of an earlier version. Where there
   * are both, that one is newer: this version forgets it, and the earlier does not know of pieces.
   *
   * @return empty where there is neither
   */
  static InputStream read(String name, Map<String, byte[]> loaded) {
    byte[] one = loaded.get(name);
    if (one != null) {
      return new ByteArrayInputStream(one);
    }
    List<InputStream> pieces = new ArrayList<>();
    for (int i = 0; i < pieces(name, loaded); i++) {
      pieces.add(new ByteArrayInputStream(loaded.get(name + "/" + i)));
    }
    return new SequenceInputStream(Collections.enumeration(pieces));
  }

  /** How many pieces were loaded of a name. */
  static int pieces(String name, Map<String, byte[]> loaded) {
    int pieces = 0;
    while (loaded.containsKey(name + "/" + pieces)) {
      pieces++;
    }
    return pieces;
  }

  /**
   * Stores it.
   *
   * @param before how many pieces are stored; what is more of them than now is forgotten
   * @return how many there are now
   */
  int write(Checkpoints.Changes changes, int before) {
    Pieces pieces = new Pieces(changes);
    writeTo(pieces);
    pieces.close();
    for (int i = pieces.count; i < before; i++) {
      changes.forget(name + "/" + i);
    }
    return pieces.count;
  }

  private void writeTo(OutputStream out) {
    try {
      writer.writeTo(new DataOutputStream(out));
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot be written", e);
    }
  }

  /** Stores a piece when it is full, and the rest when it is closed. */
  private final class Pieces extends OutputStream {
    private final Checkpoints.Changes changes;
    private final byte[] piece = new byte[PIECE];
    private int length;
    private int count;

    Pieces(Checkpoints.Changes changes) {
      this.changes = changes;
    }

    @Override
    public void write(int b) {
      if (length == PIECE) {
        store(piece);
      }
      piece[length++] = (byte) b;
    }

    @Override
    public void write(byte[] bytes, int from, int count) {
      for (int i = from; i < from + count; i++) {
        write(bytes[i]);
      }
    }

    private void store(byte[] bytes) {
      changes.put(name + "/" + count, bytes);
      count++;
      length = 0;
    }

    @Override
    public void close() {
      store(Arrays.copyOf(piece, length));
    }
  }
}
