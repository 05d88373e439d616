package io.ipsentry.rule;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Counts hits and says when a rule is reached.
 *
 * <p>Reads no clock and does no I/O: times are the event times of the hits. IPv6 clients are
 * counted by network ({@code ipv6CountBits}, 64 by default), since one attacker has at least as
 * many addresses as that. Confined to one thread.
 */
public final class RuleEngine {
  private static final long V4_MARK = 0xFFFFL;

  private final HitWindows windows;
  private final int ipv6CountBits;
  private RuleSet rules;
  private long watermark = Long.MIN_VALUE;
  private volatile Tags tags = Tags.NONE;

  /**
   * @param rules rules by number
   * @param budgetBytes limit of memory for tracked addresses, see {@link HitWindows}
   * @param ipv6CountBits 1 to 128: addresses of one prefix of this length count as one client
   */
  public RuleEngine(RuleSet rules, long budgetBytes, int ipv6CountBits) {
    this(rules, budgetBytes, ipv6CountBits, HitWindows.OUT_OF_ORDER_MILLIS);
  }

  /**
   * @param rules rules by number
   * @param budgetBytes limit of memory for tracked addresses, see {@link HitWindows}
   * @param ipv6CountBits 1 to 128: addresses of one prefix of this length count as one client
   * @param outOfOrderMillis hits late by no more than this are counted exactly
   */
  public RuleEngine(RuleSet rules, long budgetBytes, int ipv6CountBits, long outOfOrderMillis) {
    if (ipv6CountBits < 1 || ipv6CountBits > 128) {
      throw new IllegalArgumentException("IPv6 clients are counted by prefixes of 1 to 128 bits");
    }
    this.rules = rules;
    this.ipv6CountBits = ipv6CountBits;
    this.windows = new HitWindows(budgetBytes, rules.terms(), outOfOrderMillis);
  }

  public RuleSet rules() {
    return rules;
  }

  /**
   * Counts a hit, unless it lies at or before the floor of its address.
   *
   * @param floors from when on hits count, by what was banned and unbanned
   */
  public Verdict judge(Hit hit, Floors floors) {
    long time = hit.eventTimeMillis();
    Rule rule = rules.rules().get(hit.rule());
    long floor = floors.floorMillis(rule, hit.hi(), hit.lo());
    if (time <= floor) {
      return Verdict.BELOW_FLOOR;
    }
    watermark = Math.max(watermark, time);
    long hi = countedHi(hit);
    long lo = countedLo(hit);
    double factor = tags.factor(hit.hi(), hit.lo());
    if (!windows.add(hit.rule(), hi, lo, time, hit.patternIdentity(), floor, factor)) {
      return Verdict.COUNTED;
    }
    return new Verdict.Reached(
        rule, hit.rule(), hi, lo, hit, windows.count(), windows.decidedAtMillis());
  }

  /** Goes by other tags, from the next hit on. Safe for any thread. */
  public void tag(Tags now) {
    tags = now;
  }

  /** Drops the hits that reached a rule, once that has had its consequence. */
  public void forget(Verdict.Reached reached) {
    windows.forget(reached.ruleNumber(), reached.hi(), reached.lo());
  }

  /**
   * What an earlier verdict is by the rules in force, which may be others since.
   *
   * @return null: its rule is gone
   */
  public Verdict.@Nullable Reached current(Verdict.Reached earlier) {
    int number = rules.number(earlier.rule().id());
    if (number < 0) {
      return null;
    }
    return new Verdict.Reached(
        rules.rules().get(number),
        number,
        earlier.hi(),
        earlier.lo(),
        earlier.hit(),
        earlier.hits(),
        earlier.evidenceAtMillis());
  }

  /** Drops a bounded number of windows that are over, by the event times seen so far. */
  public void expire() {
    if (watermark != Long.MIN_VALUE) {
      windows.expire(watermark, MAX_EXPIRED_AT_ONCE);
    }
  }

  private static final int MAX_EXPIRED_AT_ONCE = 10_000;

  /** Takes new rules over; a rule that keeps its name keeps its hits. */
  public void reload(RuleSet newRules) {
    RuleSet old = rules;
    rules = newRules;
    if (old.names().equals(newRules.names())) {
      windows.terms(newRules.terms());
    } else {
      windows.renumber(newRules.terms(), n -> newRules.number(old.rules().get(n).id()));
    }
  }

  /** Windows in memory: one for each rule and address. */
  public int trackedAddresses() {
    return windows.size();
  }

  /** Memory they take, in bytes. */
  public long trackedBytes() {
    return windows.bytes();
  }

  /** Windows dropped so far to stay within the budget. */
  public long evictions() {
    return windows.evictions();
  }

  /** Writes the state, for {@link #readFrom}. */
  public void writeTo(DataOutput out) throws IOException {
    writeHead(out);
    windows.writeTo(out);
  }

  /** Writes what the parts of {@link #writePart} belong to, for {@link #readHead}. */
  public void writeHead(DataOutput out) throws IOException {
    out.writeLong(watermark);
    out.writeInt(rules.rules().size());
    for (Rule rule : rules.rules()) {
      out.writeUTF(rule.id().name());
    }
  }

  /** Every place that {@link #writePart} can be asked for lies below this. */
  public int places() {
    return windows.places();
  }

  /**
   * Writes some of the windows, so that hits may be counted between two parts.
   *
   * @param head the rules at the time of {@link #writeHead}
   * @param from first place
   * @param to behind the last place
   */
  public void writePart(DataOutput out, RuleSet head, int from, int to) throws IOException {
    RuleSet now = rules;
    windows.writePart(out, from, to, n -> now == head ? n : head.number(now.rules().get(n).id()));
  }

  /** Reads the state that {@link #writeTo} wrote; hits of rules that are gone are left out. */
  public void readFrom(DataInput in) throws IOException {
    readPart(in, readHead(in));
  }

  /** Adds the windows of a part; {@code numbers} are what {@link #readHead} said. */
  public void readPart(DataInput in, int[] numbers) throws IOException {
    windows.readFrom(in, n -> n >= 0 && n < numbers.length ? numbers[n] : -1);
  }

  /** Reads what {@link #writeHead} wrote: the numbers of the stored rules now, -1 for none. */
  public int[] readHead(DataInput in) throws IOException {
    watermark = Math.max(watermark, in.readLong());
    int count = in.readInt();
    if (count < 0 || count > MAX_STORED_RULES) {
      throw new IOException("stored windows are damaged: they name " + count + " rules");
    }
    int[] numbers = new int[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = rules.number(new RuleId(in.readUTF()));
    }
    return numbers;
  }

  private static final int MAX_STORED_RULES = 1_000_000;

  private static boolean isV4(Hit hit) {
    return hit.hi() == 0 && hit.lo() >>> 32 == V4_MARK;
  }

  private long countedHi(Hit hit) {
    return isV4(hit) || ipv6CountBits >= 64 ? hit.hi() : hit.hi() & -1L << 64 - ipv6CountBits;
  }

  private long countedLo(Hit hit) {
    if (isV4(hit) || ipv6CountBits == 128) {
      return hit.lo();
    }
    return ipv6CountBits <= 64 ? 0 : hit.lo() & -1L << 128 - ipv6CountBits;
  }
}
