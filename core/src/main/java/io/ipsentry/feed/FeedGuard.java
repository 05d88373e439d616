package io.ipsentry.feed;

import java.util.Locale;
import java.util.Optional;

/**
 * When a list that was read is not believed: an empty or shrunken one must not clear bans.
 *
 * @param minimumEntries one with fewer prefixes is refused
 * @param maxShrinkPercent one that has lost more of its prefixes is refused; 100: none is
 * @param leastCompared a list of fewer prefixes may lose any number of them
 */
public record FeedGuard(int minimumEntries, int maxShrinkPercent, int leastCompared) {
  /** Small lists change by chance. */
  private static final int LEAST_COMPARED = 20;

  /** At least one prefix, and half of what there were. */
  public static final FeedGuard DEFAULT = new FeedGuard(1, 50);

  public FeedGuard {
    if (minimumEntries < 0 || maxShrinkPercent < 0 || maxShrinkPercent > 100 || leastCompared < 0) {
      throw new IllegalArgumentException("a guard of a feed is out of range");
    }
  }

  /** One that does not compare small lists. */
  public FeedGuard(int minimumEntries, int maxShrinkPercent) {
    this(minimumEntries, maxShrinkPercent, LEAST_COMPARED);
  }

  /** The same, and lists are compared however small they are: the ranges of a CDN are few. */
  public FeedGuard comparingAll() {
    return new FeedGuard(minimumEntries, maxShrinkPercent, 1);
  }

  /**
   * Why a list is refused; empty: it is not.
   *
   * @param before prefixes of the list that is in force; 0: there is none
   * @param now prefixes that were read
   */
  public Optional<String> refusal(int before, int now) {
    if (now < minimumEntries) {
      return Optional.of(
          String.format(
              Locale.ROOT, "it has %d prefixes, and minimumEntries is %d", now, minimumEntries));
    }
    boolean shrunk =
        before >= leastCompared && 100L * now < (long) before * (100 - maxShrinkPercent);
    return shrunk
        ? Optional.of(
            String.format(
                Locale.ROOT,
                "it has %d prefixes and had %d, and maxShrinkPercent is %d",
                now,
                before,
                maxShrinkPercent))
        : Optional.empty();
  }
}
