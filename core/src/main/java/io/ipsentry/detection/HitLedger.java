package io.ipsentry.detection;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;

/**
 * Which hits of which reporter have been counted, so that none is counted twice.
 *
 * <p>Stored together with the windows: {@link #pause} keeps hits out while both are written, so
 * they are of one moment, and {@link #stored} tells reporters which hits they need not keep any
 * longer. Remembers {@value #MAX_REPORTERS} reporters; beyond it the one that was silent longest is
 * forgotten, and would be counted anew. Safe for any thread.
 */
public final class HitLedger {
  /** Reporters that are remembered. */
  public static final int MAX_REPORTERS = 10_000;

  private static final int FORM = 1;

  private final ReentrantLock lock = new ReentrantLock();

  /** Number of the last hit that was counted of each reporter; silent longest first. */
  private final LinkedHashMap<String, Long> counted = new LinkedHashMap<>(16, 0.75f, true);

  private final List<Runnable> onStored = new CopyOnWriteArrayList<>();
  private Map<String, Long> written = Map.of();

  /** What survives a crash. Read without the lock, which is held while windows are written. */
  private volatile Map<String, Long> durable = Map.of();

  /**
   * What is known of a reporter.
   *
   * @param counted its hits up to this number were counted; 0: none
   * @param stored its hits up to this number survive a crash
   */
  public record Progress(long counted, long stored) {}

  /** What is known of a reporter, which is remembered from now on. */
  public Progress hello(String reporter) {
    lock.lock();
    try {
      return new Progress(known(reporter), stored(reporter));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Counts those hits that were not counted yet.
   *
   * @param first number of the first hit; the others follow
   * @param settled as in {@link HitOwner#take}; also told when nothing was left to count
   * @return false: the owner has no room now, and nothing was counted
   */
  public boolean count(
      String reporter, long first, List<ReportedHit> hits, HitOwner owner, LongConsumer settled) {
    lock.lock();
    try {
      long last = known(reporter);
      int again = Math.clamp(last - first + 1, 0, hits.size());
      if (!owner.take(hits.subList(again, hits.size()), settled)) {
        return false;
      }
      counted.put(reporter, Math.max(last, first + hits.size() - 1));
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Hits of a reporter up to this number survive a crash; 0: none, or it is not known. */
  public long stored(String reporter) {
    return durable.getOrDefault(reporter, 0L);
  }

  private long known(String reporter) {
    long last = counted.computeIfAbsent(reporter, name -> 0L);
    if (counted.size() > MAX_REPORTERS) {
      Iterator<String> oldest = counted.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
    return last;
  }

  /** Reporters that are remembered. */
  public int reporters() {
    lock.lock();
    try {
      return counted.size();
    } finally {
      lock.unlock();
    }
  }

  // ---- stored with the windows

  /**
   * Keeps hits out until {@link #resume}, which the same thread calls. What was counted before is
   * in the windows, or in the owner's queue.
   */
  public void pause() {
    lock.lock();
  }

  /** Lets hits in again. */
  public void resume() {
    lock.unlock();
  }

  /** Writes what is known, for {@link #readFrom}. */
  public void writeTo(DataOutput out) throws IOException {
    lock.lock();
    try {
      out.writeByte(FORM);
      out.writeInt(counted.size());
      for (Map.Entry<String, Long> entry : counted.entrySet()) {
        out.writeUTF(entry.getKey());
        out.writeLong(entry.getValue());
      }
      written = Map.copyOf(counted);
    } finally {
      lock.unlock();
    }
  }

  /** What was written last is durable, the windows too. */
  public void stored() {
    stored(written());
  }

  /** What was written last, for {@link #stored(Map)}. */
  public Map<String, Long> written() {
    lock.lock();
    try {
      return written;
    } finally {
      lock.unlock();
    }
  }

  /** So much is durable, or so old that it counts for nothing any more. */
  public void stored(Map<String, Long> soFar) {
    durable = Map.copyOf(soFar);
    onStored.forEach(Runnable::run);
  }

  /** Calls back, without waiting for it, whenever hits became durable; for as long as it lives. */
  public void whenStored(Runnable told) {
    onStored.add(told);
  }

  /**
   * Takes up what {@link #writeTo} wrote.
   *
   * @throws IOException when the bytes are not of this form; then nothing is known
   */
  public void readFrom(DataInput in) throws IOException {
    int form = in.readByte();
    if (form != FORM) {
      throw new IOException(
          "reporters are stored in form " + form + ", but this version reads " + FORM);
    }
    int size = in.readInt();
    if (size < 0 || size > MAX_REPORTERS) {
      throw new IOException("there cannot be " + size + " reporters");
    }
    List<Map.Entry<String, Long>> read = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      read.add(Map.entry(in.readUTF(), in.readLong()));
    }
    lock.lock();
    try {
      counted.clear();
      read.forEach(entry -> counted.put(entry.getKey(), entry.getValue()));
      written = Map.copyOf(counted);
      durable = written;
    } finally {
      lock.unlock();
    }
  }
}
