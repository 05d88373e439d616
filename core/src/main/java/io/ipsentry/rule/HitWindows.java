package io.ipsentry.rule;

import static io.ipsentry.rule.Chunks.at;
import static io.ipsentry.rule.Chunks.set;

import io.ipsentry.net.IpPrefix;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * True sliding windows of hits for many addresses within a budget of bytes.
 *
 * <p>Per rule and address it keeps the hits, oldest first, as (event time, pattern). The rule is
 * reached when some hit at {@code T} has at least {@code threshold} hits, or {@code distinct}
 * different patterns, in {@code (T − window, T]}; that hit is the one that decides, whatever order
 * the lines came in. Hits are kept for {@code window + }{@value #OUT_OF_ORDER_MILLIS} ms, or longer
 * where hits come from several processes, so lines that are late by no more than that are counted
 * exactly; a line that is later still counts as far as the hits around it are still there.
 *
 * <p><b>Memory.</b> An address with one hit costs {@value #BYTES_PER_WINDOW} + {@value
 * #BYTES_PER_HIT} bytes and up to 16 bytes of index; where no address near it in memory is of IPv6
 * and longer than 64 bits, 8 bytes less. When the budget is used up, a window makes room by this
 * law: never one that reached its rule (those become bans and leave); first the one least on its
 * way to a ban (in {@value #LEVELS} steps of hits ÷ hits needed), among equals the one whose last
 * hit came in longest ago. So a flood of addresses that each hit once displaces its own kind and
 * not an attacker at work. One address keeps at most {@code max(64, 4 × (threshold + distinct))}
 * hits; beyond that its oldest repeated one goes.
 *
 * <p>Times are epoch milliseconds of events; the class reads no clock. Confined to one thread.
 */
public final class HitWindows {
  /** Lines late by no more than this are counted exactly, in milliseconds. */
  public static final long OUT_OF_ORDER_MILLIS = 10_000;

  /** Steps of the eviction law. */
  static final int LEVELS = 8;

  /** Cost of a window without its hits and index, in bytes, where its address is 16 bytes long. */
  static final int BYTES_PER_WINDOW = 36;

  /** Cost of a hit, in bytes. */
  static final int BYTES_PER_HIT = 16;

  /** Smallest budget, in bytes. */
  public static final long MIN_BUDGET_BYTES = 1 << 20;

  private static final int NIL = HitRings.NIL;
  private static final int FIRST_INDEX = 1 << 12;
  private static final int FORM = 1;
  private static final int LEVEL_MASK = LEVELS - 1;
  private static final int V4_FLAG = 8;
  private static final String DAMAGED = "stored windows are damaged";

  private final long budgetBytes;
  private final long outOfOrderMillis;
  private Terms[] terms;

  // Windows, in chunks so that growing copies nothing. Free ones are linked through windowNext.
  // Of an address of IPv4 the lower half, of IPv6 the upper one.
  private long[][] windowWord = new long[0][];

  // Of IPv6 the lower half; null where it is 0 in all of a chunk, as it is for networks of 64 bits.
  private long[] @Nullable [] windowRest = new long[0][];
  private int restChunks;
  private int[][] windowRule = new int[0][]; // rule << 8 | whether it is of IPv4 | level
  private int[][] windowTail = new int[0][]; // its newest hit
  private int[][] windowSize = new int[0][];
  private int[][] windowPrevious = new int[0][];
  private int[][] windowNext = new int[0][];
  private int freeWindow = NIL;
  private int windows;

  private final HitRings hits = new HitRings();

  // Open addressing: window + 1 or 0.
  private int[] index = new int[FIRST_INDEX];

  // The queue of each level, least recently hit first.
  private final int[] levelHead = new int[LEVELS];
  private final int[] levelTail = new int[LEVELS];

  private long evictions;

  /**
   * What a rule asks of its windows.
   *
   * @param threshold hits that ban; 0: not counted
   * @param distinct different patterns that ban; 0: not counted
   * @param windowMillis length of the window
   */
  public record Terms(int threshold, int distinct, long windowMillis) {
    static Terms of(Rule rule) {
      return new Terms(rule.threshold(), rule.distinct(), rule.window().toMillis());
    }

    /** The same for who is tolerated less; one pattern alone is no different ones. */
    Terms times(double factor) {
      return new Terms(
          (int) Math.ceil(threshold * factor),
          Math.max(Math.min(distinct, 2), (int) Math.ceil(distinct * factor)),
          windowMillis);
    }

    /** Fewest hits that can reach the rule. */
    int fewest() {
      return threshold == 0 ? distinct : distinct == 0 ? threshold : Math.min(threshold, distinct);
    }

    int maxHits() {
      return Math.max(64, 4 * (threshold + distinct));
    }
  }

  /**
   * @param budgetBytes limit of all its arrays together
   * @param terms of the rules, by the number that {@link #add} is called with
   */
  public HitWindows(long budgetBytes, Terms[] terms) {
    this(budgetBytes, terms, OUT_OF_ORDER_MILLIS);
  }

  /**
   * @param budgetBytes limit of all its arrays together
   * @param terms of the rules, by the number that {@link #add} is called with
   * @param outOfOrderMillis hits late by no more than this are counted exactly
   */
  public HitWindows(long budgetBytes, Terms[] terms, long outOfOrderMillis) {
    if (budgetBytes < MIN_BUDGET_BYTES) {
      throw new IllegalArgumentException(
          "budget for tracked addresses must be at least 1 MiB, but is " + budgetBytes + " bytes");
    }
    this.budgetBytes = budgetBytes;
    this.outOfOrderMillis = outOfOrderMillis;
    this.terms = terms.clone();
    Arrays.fill(levelHead, NIL);
    Arrays.fill(levelTail, NIL);
  }

  /**
   * Counts a hit.
   *
   * @param rule number of the rule
   * @param hi upper half of the address that is counted
   * @param lo lower half
   * @param time event time, epoch milliseconds
   * @param pattern identity of the pattern, for {@code distinct}
   * @param floor hits at or before this time no longer count; {@link Long#MIN_VALUE}: none
   * @return true when the rule is reached; the window stays until {@link #forget}, and every later
   *     hit within it says so again
   */
  public boolean add(int rule, long hi, long lo, long time, int pattern, long floor) {
    return add(rule, hi, lo, time, pattern, floor, Tags.WHOLE);
  }

  /**
   * Counts a hit of an address whose thresholds are lower.
   *
   * @param factor what they are multiplied by, above 0, at most 1
   */
  boolean add(int rule, long hi, long lo, long time, int pattern, long floor, double factor) {
    Terms t = factor < Tags.WHOLE ? terms[rule].times(factor) : terms[rule];
    int window = find(rule, hi, lo);
    if (window == NIL) {
      window = open(rule, hi, lo);
    }
    unlink(window);
    long newest = Math.max(time, newest(window, time));
    prune(window, Math.max(floor, newest - t.windowMillis - outOfOrderMillis));
    if (size(window) >= t.maxHits()) {
      dropOldestRepeated(window);
    }
    link(window, Math.min(LEVELS - 1, (size(window) + 1) * LEVELS / (t.fewest() + 1)));
    insert(window, time, pattern);
    return hits.reaches(at(windowTail, window), size(window), t, time);
  }

  /** Hits in the window of the hit that was added last, or of the one that decided. */
  public int count() {
    return hits.count();
  }

  /** Different patterns among {@link #count()}. */
  public int distinctCount() {
    return hits.distinctCount();
  }

  /** Event time of the hit that reached the rule, after {@link #add} said true. */
  public long decidedAtMillis() {
    return hits.decidedAtMillis();
  }

  /** Drops the hits of an address, because it is banned or was unbanned. */
  public void forget(int rule, long hi, long lo) {
    int window = find(rule, hi, lo);
    if (window != NIL) {
      close(window);
    }
  }

  /**
   * Drops windows whose last hit is too old to count at {@code watermark} or later.
   *
   * @param watermark event time that no further line is expected to lie further before than lines
   *     may be late
   * @param most windows to look at, so that one call stays short
   */
  public void expire(long watermark, int most) {
    int left = most;
    for (int level = 0; level < LEVELS && left > 0; level++) {
      for (int w = levelHead[level]; w != NIL && left > 0; left--) {
        int next = at(windowNext, w);
        if (newest(w, Long.MIN_VALUE)
            <= watermark - terms[rule(w)].windowMillis - outOfOrderMillis) {
          close(w);
        } else {
          // Behind it are windows that were hit later. Only rules with other windows could differ.
          break;
        }
        w = next;
      }
    }
  }

  /** Number of windows: one for each rule and address. */
  public int size() {
    return windows;
  }

  /** Windows that were dropped to stay within the budget. */
  public long evictions() {
    return evictions;
  }

  /** Bytes of all arrays; at most the budget. */
  public long bytes() {
    long unused = (long) (windowRest.length - restChunks) * Chunks.SIZE * Long.BYTES;
    return bytes(windowWord.length, hits.chunks(), index.length) - unused;
  }

  private static long bytes(long windowChunks, long hitChunks, long indexLength) {
    return windowChunks * Chunks.SIZE * BYTES_PER_WINDOW
        + hitChunks * Chunks.SIZE * BYTES_PER_HIT
        + indexLength * Integer.BYTES;
  }

  /**
   * Takes over new rules, keeping the hits of those that go on.
   *
   * @param newTerms by new number
   * @param newNumber from a rule's old number to its new one, or a negative number when it is gone
   */
  public void renumber(Terms[] newTerms, IntUnaryOperator newNumber) {
    removeIf(w -> newNumber.applyAsInt(rule(w)) < 0);
    forEachWindow(
        w -> set(windowRule, w, newNumber.applyAsInt(rule(w)) << 8 | at(windowRule, w) & 0xFF));
    terms = newTerms.clone();
    rebuildIndex(index.length);
  }

  /** Takes over new terms of the same rules. */
  void terms(Terms[] newTerms) {
    terms = newTerms.clone();
  }

  // ---- the hits of one window

  private void insert(int window, long time, int pattern) {
    if (hits.isFull() && !growHits() && !evict(window)) {
      dropOldestRepeated(window);
    }
    set(windowTail, window, hits.insert(at(windowTail, window), time, pattern));
    set(windowSize, window, size(window) + 1);
  }

  private void prune(int window, long upTo) {
    int oldest = hits.oldest(at(windowTail, window));
    while (oldest != NIL && hits.time(oldest) <= upTo) {
      removeBehind(window, at(windowTail, window));
      oldest = hits.oldest(at(windowTail, window));
    }
  }

  private void dropOldestRepeated(int window) {
    removeBehind(window, hits.beforeOldestRepeated(at(windowTail, window)));
  }

  private void removeBehind(int window, int before) {
    set(windowTail, window, hits.removeBehind(at(windowTail, window), before));
    set(windowSize, window, size(window) - 1);
  }

  private long newest(int window, long otherwise) {
    int tail = at(windowTail, window);
    return tail == NIL ? otherwise : hits.time(tail);
  }

  // ---- room

  /** Drops the least dangerous window other than {@code keep}; false when there is no other. */
  private boolean evict(int keep) {
    for (int level = 0; level < LEVELS; level++) {
      for (int w = levelHead[level]; w != NIL; w = at(windowNext, w)) {
        if (w != keep && size(w) > 0) {
          close(w);
          evictions++;
          return true;
        }
      }
    }
    return false;
  }

  private int open(int rule, long hi, long lo) {
    if (windows + 1 > index.length / 2
        && fits(windowWord.length, hits.chunks(), index.length * 3L)) {
      rebuildIndex(index.length * 2);
    }
    if (freeWindow == NIL && !growWindows() || windows + 1 > index.length / 4 * 3) {
      evict(NIL);
    }
    int window = freeWindow;
    freeWindow = at(windowNext, window);
    boolean isV4 = IpPrefix.isV4(hi, lo);
    set(windowWord, window, isV4 ? lo : hi);
    setRest(window, isV4 ? 0 : lo);
    set(windowRule, window, ruleAndFamily(rule, isV4));
    set(windowTail, window, NIL);
    set(windowSize, window, 0);
    windows++;
    link(window, 0);
    putIndex(window);
    return window;
  }

  private void close(int window) {
    unlink(window);
    removeIndex(window);
    hits.freeAll(at(windowTail, window));
    set(windowSize, window, 0);
    set(windowNext, window, freeWindow);
    freeWindow = window;
    windows--;
  }

  private boolean fits(long windowChunks, long hitChunks, long indexLength) {
    return bytes(windowChunks, hitChunks, indexLength) <= budgetBytes;
  }

  private boolean growWindows() {
    // Keep room for the hits that the new windows need at least.
    int chunks = windowWord.length;
    if (!fits(chunks + 1L, Math.max(hits.chunks(), chunks + 1L), index.length) && chunks > 0) {
      return false;
    }
    windowWord = Chunks.grown(windowWord);
    windowRest = Arrays.copyOf(windowRest, chunks + 1);
    windowRule = Chunks.grown(windowRule);
    windowTail = Chunks.grown(windowTail);
    windowSize = Chunks.grown(windowSize);
    windowPrevious = Chunks.grown(windowPrevious);
    windowNext = Chunks.grown(windowNext);
    int first = chunks << Chunks.BITS;
    for (int w = first + Chunks.SIZE - 1; w >= first; w--) {
      set(windowNext, w, freeWindow);
      freeWindow = w;
    }
    return true;
  }

  private boolean growHits() {
    if (!fits(windowWord.length, hits.chunks() + 1L, index.length) && hits.chunks() > 0) {
      return false;
    }
    hits.grow();
    return true;
  }

  // ---- index: linear probing with backward-shift deletion

  private int find(int rule, long hi, long lo) {
    boolean isV4 = IpPrefix.isV4(hi, lo);
    long word = isV4 ? lo : hi;
    long rest = isV4 ? 0 : lo;
    int tag = ruleAndFamily(rule, isV4);
    int mask = index.length - 1;
    for (int i = hash(tag, word, rest) & mask; index[i] != 0; i = i + 1 & mask) {
      int w = index[i] - 1;
      if (at(windowWord, w) == word && rest(w) == rest && tag(w) == tag) {
        return w;
      }
    }
    return NIL;
  }

  private void putIndex(int window) {
    int mask = index.length - 1;
    int i = hash(window) & mask;
    while (index[i] != 0) {
      i = i + 1 & mask;
    }
    index[i] = window + 1;
  }

  private void removeIndex(int window) {
    int mask = index.length - 1;
    int i = hash(window) & mask;
    while (index[i] != window + 1) {
      i = i + 1 & mask;
    }
    int hole = i;
    for (int j = i + 1 & mask; index[j] != 0; j = j + 1 & mask) {
      int home = hash(index[j] - 1) & mask;
      if ((j - home & mask) >= (j - hole & mask)) {
        index[hole] = index[j];
        hole = j;
      }
    }
    index[hole] = 0;
  }

  private void rebuildIndex(int length) {
    index = new int[length];
    forEachWindow(this::putIndex);
  }

  private int hash(int window) {
    return hash(tag(window), at(windowWord, window), rest(window));
  }

  private static int hash(int tag, long word, long rest) {
    long h = (word * 0x9E3779B97F4A7C15L ^ rest) * 0xC2B2AE3D27D4EB4FL + tag;
    h ^= h >>> 29;
    h *= 0x94D049BB133111EBL;
    return (int) (h ^ h >>> 32);
  }

  // ---- levels

  private void link(int window, int level) {
    set(windowRule, window, tag(window) | level);
    int tail = levelTail[level];
    set(windowPrevious, window, tail);
    set(windowNext, window, NIL);
    if (tail == NIL) {
      levelHead[level] = window;
    } else {
      set(windowNext, tail, window);
    }
    levelTail[level] = window;
  }

  private void unlink(int window) {
    int level = level(window);
    int previous = at(windowPrevious, window);
    int next = at(windowNext, window);
    if (previous == NIL) {
      levelHead[level] = next;
    } else {
      set(windowNext, previous, next);
    }
    if (next == NIL) {
      levelTail[level] = previous;
    } else {
      set(windowPrevious, next, previous);
    }
  }

  private void removeIf(IntPredicate gone) {
    for (int level = 0; level < LEVELS; level++) {
      for (int w = levelHead[level]; w != NIL; ) {
        int next = at(windowNext, w);
        if (gone.test(w)) {
          close(w);
        }
        w = next;
      }
    }
  }

  private void forEachWindow(IntConsumer action) {
    for (int level = 0; level < LEVELS; level++) {
      for (int w = levelHead[level]; w != NIL; w = at(windowNext, w)) {
        action.accept(w);
      }
    }
  }

  private int rule(int window) {
    return at(windowRule, window) >>> 8;
  }

  private int level(int window) {
    return at(windowRule, window) & LEVEL_MASK;
  }

  private static int ruleAndFamily(int rule, boolean isV4) {
    return rule << 8 | (isV4 ? V4_FLAG : 0);
  }

  /** As {@link #ruleAndFamily}. */
  private int tag(int window) {
    return at(windowRule, window) & ~LEVEL_MASK;
  }

  private long rest(int window) {
    long[] chunk = windowRest[window >>> Chunks.BITS];
    return chunk == null ? 0 : chunk[window & Chunks.MASK];
  }

  /** The room for it is within the budget already. */
  private void setRest(int window, long rest) {
    long[] chunk = windowRest[window >>> Chunks.BITS];
    if (chunk == null) {
      if (rest == 0) {
        return;
      }
      chunk = new long[Chunks.SIZE];
      windowRest[window >>> Chunks.BITS] = chunk;
      restChunks++;
    }
    chunk[window & Chunks.MASK] = rest;
  }

  private int size(int window) {
    return at(windowSize, window);
  }

  // ---- checkpoint

  /**
   * Writes every window, in the order of the eviction law, for {@link #readFrom}: a header of form,
   * number of windows and base time, then for each window its level and family in one byte, rule,
   * address, number of hits, and of each hit the time since the hit before (of the first, the
   * zigzag difference to the base) and the pattern. Numbers are LEB128; an IPv4 address is 4 bytes.
   */
  public void writeTo(DataOutput out) throws IOException {
    long base = 0;
    for (int level = 0; level < LEVELS && base == 0; level++) {
      base = levelHead[level] == NIL ? 0 : newest(levelHead[level], 0);
    }
    out.writeByte(FORM);
    out.writeInt(windows);
    out.writeLong(base);
    for (int level = 0; level < LEVELS; level++) {
      for (int w = levelHead[level]; w != NIL; w = at(windowNext, w)) {
        writeWindow(out, w, rule(w), level, base);
      }
    }
  }

  /** Places for windows, each of which holds one or none. */
  int places() {
    return windowWord.length << Chunks.BITS;
  }

  /**
   * Writes the windows in the places {@code [from, to)} in the form of {@link #writeTo}, so that
   * many windows can be written in parts, with additions in between. What lies in a place stays
   * there until it is dropped.
   *
   * @param numberThen from a rule's number to the one that is written; negative: left out
   */
  void writePart(DataOutput out, int from, int to, IntUnaryOperator numberThen) throws IOException {
    int written = 0;
    long base = 0;
    for (int w = from; w < to; w++) {
      if (size(w) > 0 && numberThen.applyAsInt(rule(w)) >= 0) {
        base = written++ == 0 ? newest(w, 0) : base;
      }
    }
    out.writeByte(FORM);
    out.writeInt(written);
    out.writeLong(base);
    for (int w = from; w < to; w++) {
      int rule = size(w) > 0 ? numberThen.applyAsInt(rule(w)) : NIL;
      if (rule >= 0) {
        writeWindow(out, w, rule, level(w), base);
      }
    }
  }

  private void writeWindow(DataOutput out, int w, int rule, int level, long base)
      throws IOException {
    boolean v4 = (at(windowRule, w) & V4_FLAG) != 0;
    out.writeByte(v4 ? level | V4_FLAG : level);
    writeNumber(out, rule);
    if (v4) {
      out.writeInt((int) at(windowWord, w));
    } else {
      out.writeLong(at(windowWord, w));
      out.writeLong(rest(w));
    }
    writeNumber(out, size(w));
    long before = base;
    int newest = at(windowTail, w);
    int oldest = hits.oldest(newest);
    for (int h = oldest; h != NIL; h = hits.after(newest, h)) {
      long since = hits.time(h) - before;
      writeNumber(out, h == oldest ? since << 1 ^ since >> 63 : since);
      out.writeInt(hits.pattern(h));
      before = hits.time(h);
    }
  }

  private static void writeNumber(DataOutput out, long number) throws IOException {
    long left = number;
    while ((left & ~0x7FL) != 0) {
      out.writeByte((int) (left & 0x7F | 0x80));
      left >>>= 7;
    }
    out.writeByte((int) left);
  }

  private static long readNumber(DataInput in) throws IOException {
    long number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte b = in.readByte();
      number |= (b & 0x7FL) << shift;
      if (b >= 0) {
        return number;
      }
    }
    throw new IOException(DAMAGED);
  }

  /**
   * Adds the windows that {@link #writeTo} wrote.
   *
   * @param newNumber from a rule's number then to its number now, negative when it is gone
   * @throws IOException when the bytes are not of this form
   */
  public void readFrom(DataInput in, IntUnaryOperator newNumber) throws IOException {
    int form = in.readByte();
    if (form != FORM) {
      throw new IOException(
          "windows are stored in form " + form + ", but this version reads " + FORM);
    }
    int stored = in.readInt();
    long base = in.readLong();
    for (int i = 0; i < stored; i++) {
      readWindow(in, base, newNumber);
    }
  }

  private void readWindow(DataInput in, long base, IntUnaryOperator newNumber) throws IOException {
    int flags = in.readByte();
    int level = flags & ~V4_FLAG;
    int rule = newNumber.applyAsInt((int) readNumber(in));
    boolean v4 = (flags & V4_FLAG) != 0;
    long hi = v4 ? 0 : in.readLong();
    long lo = v4 ? IpPrefix.v4ToLo(in.readInt()) : in.readLong();
    long stored = readNumber(in);
    if (level < 0 || level >= LEVELS || stored < 0 || rule >= terms.length) {
      throw new IOException(DAMAGED);
    }
    int window = NIL;
    if (rule >= 0) {
      window = find(rule, hi, lo);
      window = window == NIL ? open(rule, hi, lo) : window;
      unlink(window);
      link(window, level);
    }
    long time = base;
    for (long h = 0; h < stored; h++) {
      long since = readNumber(in);
      time += h == 0 ? since >>> 1 ^ -(since & 1) : since;
      int pattern = in.readInt();
      if (window != NIL && size(window) < terms[rule].maxHits()) {
        insert(window, time, pattern);
      }
    }
  }
}
