package io.ipsentry.line;

import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;

/**
 * Turns stamps without a zone into instants.
 *
 * <p>When clocks go forward, a local time that does not exist is moved on by the gap, as {@code
 * java.time} does. When they go back, an hour comes twice; the rules for it, first that applies:
 *
 * <ol>
 *   <li>its second pass still lies ahead of the clock: it is the first pass;
 *   <li>its second pass is less than {@value #LIVE_MILLIS} ms ago: the line is read live, it is the
 *       second;
 *   <li>a stamp before it was later than the first pass by more than {@value #OUT_OF_ORDER_MILLIS}
 *       ms: lines come in order but for a little, so it is the second;
 *   <li>it is the first, as in {@code java.time}.
 * </ol>
 *
 * <p>Remembers the last minute, so most stamps cost an addition. Confined to one thread.
 */
public final class LocalZone {
  /** A line younger than this is taken to be read as it is written. */
  static final long LIVE_MILLIS = 10 * CivilTime.MINUTE;

  /** Lines may come this much out of order. */
  static final long OUT_OF_ORDER_MILLIS = 10 * CivilTime.SECOND;

  private final ZoneId zone;
  private final ZoneRules rules;
  private final InstantSource clock;
  private long minute = Long.MIN_VALUE;
  private long firstOffset;
  private long secondOffset;
  private long last = Long.MIN_VALUE;

  /**
   * @param clock the reference: now for a live source, the end of the file for an old one
   */
  public LocalZone(ZoneId zone, InstantSource clock) {
    this.zone = zone;
    this.rules = zone.getRules();
    this.clock = clock;
  }

  /** The reference instant in epoch milliseconds. */
  public long referenceMillis() {
    return clock.millis();
  }

  /** The year of the reference instant here. */
  public int referenceYear() {
    return Instant.ofEpochMilli(clock.millis()).atZone(zone).getYear();
  }

  /** How far local time is ahead of UTC at an instant, in milliseconds. */
  public long offsetMillis(long epochMillis) {
    return millis(rules.getOffset(Instant.ofEpochMilli(epochMillis)));
  }

  /**
   * The instant of a local time.
   *
   * @param localMillis milliseconds since 1970-01-01T00:00 local time
   * @return epoch milliseconds
   */
  long toEpochMillis(long localMillis) {
    long at = candidate(localMillis);
    last = Math.max(last, at);
    return at;
  }

  /** Like {@link #toEpochMillis} but does not count as a stamp that was read. */
  public long candidate(long localMillis) {
    long wanted = Math.floorDiv(localMillis, CivilTime.MINUTE);
    if (wanted != minute) {
      lookUp(wanted);
    }
    long first = localMillis - firstOffset;
    if (firstOffset == secondOffset) {
      return first;
    }
    long second = localMillis - secondOffset;
    long now = clock.millis();
    if (second > now + RequestFacts.MAX_AHEAD_MILLIS) {
      return first;
    }
    boolean live = now - second < LIVE_MILLIS;
    return live || last > first + OUT_OF_ORDER_MILLIS ? second : first;
  }

  private void lookUp(long wanted) {
    LocalDateTime local =
        LocalDateTime.ofEpochSecond(
            wanted * CivilTime.MINUTE / CivilTime.SECOND, 0, ZoneOffset.UTC);
    ZoneOffsetTransition transition = rules.getTransition(local);
    if (transition == null) {
      firstOffset = millis(rules.getOffset(local));
      secondOffset = firstOffset;
    } else {
      firstOffset = millis(transition.getOffsetBefore());
      secondOffset = transition.isOverlap() ? millis(transition.getOffsetAfter()) : firstOffset;
    }
    minute = wanted;
  }

  private static long millis(ZoneOffset offset) {
    return offset.getTotalSeconds() * CivilTime.SECOND;
  }
}
