package io.ipsentry.watcher.source;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Which lines of a container's log were delivered, as far as they could come again.
 *
 * <p>A log is asked for from a whole second on, so after a connection broke, lines come again. They
 * are told by stamp and content, as often as they were delivered: of two lines that are the same
 * with the same stamp, the second is new once the first was counted off. The newest second and the
 * one before it are remembered, as lines of stdout and stderr may be written in another order than
 * they were stamped. A line is a hash of 64 bits.
 *
 * <p>Of one second at most {@value #MAX_PER_SECOND} lines are remembered; of a fuller one none is
 * taken again, so that a line may be lost, but none is counted twice. Confined to one thread.
 */
final class SeenLines {
  /** So many lines of a second take 8 MiB. */
  static final int MAX_PER_SECOND = 1 << 20;

  private static final int FIRST = 64;
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long MIX = 0x9E3779B97F4A7C15L;
  private static final long NOTHING = Long.MIN_VALUE;

  private long newest = NOTHING;
  private Second current = new Second();
  private Second before = new Second();
  private long last;

  /** Lines of one second in the order of their delivery. */
  private static final class Second {
    private long[] hashes = {};
    private int size;
    private boolean full;

    void add(long hash) {
      if (size == MAX_PER_SECOND) {
        full = true;
        return;
      }
      if (size == hashes.length) {
        hashes = Arrays.copyOf(hashes, Math.max(FIRST, 2 * size));
      }
      hashes[size++] = hash;
    }

    void clear() {
      size = 0;
      full = false;
      if (hashes.length > MAX_PER_SECOND / 16) {
        hashes = new long[0];
      }
    }
  }

  /** Identity of a line with its stamp. */
  static long hash(byte[] b, int from, int to) {
    long hash = Integer.toUnsignedLong(to - from);
    int i = from;
    for (int stop = to - Long.BYTES; i <= stop; i += Long.BYTES) {
      hash = (hash ^ (long) LONG.get(b, i)) * MIX;
      hash ^= hash >>> 32;
    }
    long rest = 0;
    for (; i < to; i++) {
      rest = rest << 8 | b[i] & 0xFF;
    }
    hash = (hash ^ rest) * MIX;
    return hash ^ hash >>> 29;
  }

  /** A line was delivered. */
  void add(long second, long hash) {
    if (second > newest) {
      if (newest != NOTHING && second == newest + 1) {
        Second oldest = before;
        before = current;
        current = oldest;
      } else {
        before.clear();
      }
      current.clear();
      newest = second;
    }
    if (second == newest) {
      current.add(hash);
    } else if (second == newest - 1) {
      before.add(hash);
    }
    last = hash;
  }

  boolean isEmpty() {
    return newest == NOTHING;
  }

  /** From which second on the log is to be asked for; nothing that is later is unknown here. */
  long since() {
    return newest - 1;
  }

  /**
   * What may come again of a log that is asked for now.
   *
   * @param from second that it was asked from; earlier lines are not wanted
   */
  Repeats repeats(long from) {
    return new Repeats(from);
  }

  /** Counts lines off that come again; what is added to the lines meanwhile is not in it. */
  final class Repeats {
    private final long from;
    private final long newestThen = newest;
    private final boolean currentFull = current.full;
    private final boolean beforeFull = before.full;
    private final long lastThen = last;
    private final long[] keys;
    private final int[] counts;
    private int left;
    private boolean lastCame = isEmpty() || current.full;

    private Repeats(long from) {
      this.from = from;
      int lines = current.size + before.size;
      int capacity = Integer.highestOneBit(Math.max(8, lines * 2 - 1)) << 1;
      keys = new long[capacity];
      counts = new int[capacity];
      put(before);
      put(current);
      left = lines;
    }

    private void put(Second second) {
      for (int i = 0; i < second.size; i++) {
        int at = find(second.hashes[i]);
        keys[at] = second.hashes[i];
        counts[at]++;
      }
    }

    /** Where a hash is, or its place. A count of 0 with the key set is one that was counted off. */
    private int find(long hash) {
      int mask = keys.length - 1;
      int at = (int) (hash * MIX >>> 40) & mask;
      while (keys[at] != hash && (keys[at] != 0 || counts[at] != 0)) {
        at = at + 1 & mask;
      }
      return at;
    }

    /** Whether a line was delivered before, or is not wanted. */
    boolean take(long second, long hash) {
      if (second < from) {
        return true;
      }
      if (left > 0) {
        int at = find(hash);
        if (keys[at] == hash && counts[at] > 0) {
          counts[at]--;
          left--;
          lastCame |= hash == lastThen;
          return true;
        }
      }
      return second == newestThen && currentFull || second == newestThen - 1 && beforeFull;
    }

    /** Whether the line came that was delivered last: then none is missing between. */
    boolean lastCame() {
      return lastCame;
    }

    /** Whether a line of this second can no longer be one of them. */
    boolean isOver(long second) {
      return second > newestThen + 1;
    }
  }

  // ---- stored

  void write(JsonGenerator json) throws IOException {
    json.writeNumberField("newest", newest);
    json.writeNumberField("last", last);
    write(json, "lines", current);
    write(json, "before", before);
  }

  private static void write(JsonGenerator json, String name, Second second) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(1 + Long.BYTES * second.size);
    bytes.put((byte) (second.full ? 1 : 0));
    for (int i = 0; i < second.size; i++) {
      bytes.putLong(second.hashes[i]);
    }
    json.writeBinaryField(name, bytes.array());
  }

  /**
   * Takes up what was stored.
   *
   * @param lines as {@link #write} wrote them; null: none
   * @return false: that is not what was written
   */
  boolean restore(
      long newestStored, long lastStored, byte @Nullable [] lines, byte @Nullable [] of) {
    newest = newestStored;
    last = lastStored;
    return restore(current, lines) && restore(before, of);
  }

  private static boolean restore(Second second, byte @Nullable [] stored) {
    if (stored == null || stored.length % Long.BYTES != 1) {
      return false;
    }
    ByteBuffer bytes = ByteBuffer.wrap(stored);
    second.full = bytes.get() != 0;
    second.size = bytes.remaining() / Long.BYTES;
    if (second.size > MAX_PER_SECOND) {
      return false;
    }
    second.hashes = new long[second.size];
    bytes.asLongBuffer().get(second.hashes);
    return true;
  }
}
