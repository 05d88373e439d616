package io.ipsentry.feed;

import java.util.Locale;
import java.util.Optional;

/**
 * When a list that was read is not believed: an empty or shrunken one must not clear bans.
 *
 * @param minimumEntries one with fewer prefixes is refused
 * @param maxShrinkPercent one that has lost more of its prefixes is refused; 100: none is
 */
public record FeedGuard(int minimumEntries, int maxShrinkPercent) {
  /** At least one prefix, and half of what there were. */
  public static final FeedGuard DEFAULT = new FeedGuard(1, 50);

  /** Small lists change by chance. */
  private static final int LEAST_COMPARED = 20;

  public FeedGuard {
    if (minimumEntries < 0 || maxShrinkPercent < 0 || maxShrinkPercent > 100) {
      throw new IllegalArgumentException("a guard of a feed is out of range");
    }
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
        before >= LEAST_COMPARED && 100L * now < (long) before * (100 - maxShrinkPercent);
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
