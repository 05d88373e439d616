package io.ipsentry.detection;

import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleSet;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A hit that another process found: a {@link Hit} whose rule is named.
 *
 * @param rule its name, {@code RULE@POLICY} for a rule of one policy
 * @param hi upper half of the client's address, in the space of {@code IpPrefix}
 * @param lo lower half
 * @param seenAs where the address was taken from
 * @param eventTimeMillis when it happened, epoch milliseconds
 * @param pattern what matched, as people read it
 * @param patternIdentity tells patterns apart
 */
public record ReportedHit(
    RuleId rule,
    long hi,
    long lo,
    SeenAs seenAs,
    long eventTimeMillis,
    String pattern,
    int patternIdentity) {
  /** Longest text of what matched that is reported and stored; more is cut. */
  public static final int MAX_PATTERN_CHARS = 512;

  /** The hit as it is reported. */
  public static ReportedHit of(RuleSet rules, Hit hit) {
    return new ReportedHit(
        rules.rules().get(hit.rule()).id(),
        hit.hi(),
        hit.lo(),
        hit.seenAs(),
        hit.eventTimeMillis(),
        hit.pattern(),
        hit.patternIdentity());
  }

  /** The hit by the rules of this process; null: it has no such rule. */
  public @Nullable Hit in(RuleSet rules) {
    int number = rules.number(rule);
    return number < 0
        ? null
        : new Hit(number, hi, lo, seenAs, eventTimeMillis, pattern, patternIdentity);
  }

  /** The same, with no more of the text than {@link #MAX_PATTERN_CHARS}. */
  public ReportedHit cut() {
    return pattern.length() <= MAX_PATTERN_CHARS
        ? this
        : new ReportedHit(
            rule,
            hi,
            lo,
            seenAs,
            eventTimeMillis,
            pattern.substring(0, MAX_PATTERN_CHARS),
            patternIdentity);
  }

  /** Writes it, cut, for {@link #readFrom}; a hit is seen as the peer or forwarded. */
  public void writeTo(DataOutput out) throws IOException {
    out.writeUTF(rule.name());
    out.writeLong(hi);
    out.writeLong(lo);
    out.writeBoolean(seenAs == SeenAs.FORWARDED);
    out.writeLong(eventTimeMillis);
    out.writeUTF(cut().pattern());
    out.writeInt(patternIdentity);
  }

  /**
   * Reads what {@link #writeTo} wrote.
   *
   * @throws IOException when it is something else
   */
  public static ReportedHit readFrom(DataInput in) throws IOException {
    try {
      RuleId rule = new RuleId(in.readUTF());
      long hi = in.readLong();
      long lo = in.readLong();
      SeenAs seenAs = in.readBoolean() ? SeenAs.FORWARDED : SeenAs.PEER;
      return new ReportedHit(rule, hi, lo, seenAs, in.readLong(), in.readUTF(), in.readInt());
    } catch (IllegalArgumentException e) {
      throw new IOException("a stored hit is damaged: " + e.getMessage(), e);
    }
  }
}
