package io.ipsentry.feed;

/**
 * How a list is read, and when it is refused.
 *
 * @param format how it is written
 * @param minimumLevel of {@link FeedFormat#IPSUM}: lists that must hold an address
 * @param minimumConfidence of {@link FeedFormat#ABUSEIPDB} in JSON: 0 to 100
 * @param maxBadPercent a list with a larger share of lines that cannot be read is refused; 0 to 100
 */
public record FeedOptions(
    FeedFormat format, int minimumLevel, int minimumConfidence, int maxBadPercent) {
  /** Bytes of a list, decompressed; a larger one is refused. */
  public static final long MAX_BYTES = 64L << 20;

  /** Entries of a list; one with more is refused. */
  public static final int MAX_ENTRIES = 2_000_000;

  /** Recognised; ipsum from 3 lists on, AbuseIPDB from 90 % on, at most 5 % bad lines. */
  public static final FeedOptions DEFAULT = new FeedOptions(FeedFormat.AUTO, 3, 90, 5);

  public FeedOptions {
    if (minimumLevel < 1
        || minimumConfidence < 0
        || minimumConfidence > 100
        || maxBadPercent < 0
        || maxBadPercent > 100) {
      throw new IllegalArgumentException("an option of a feed is out of range");
    }
  }

  /** The same with another format. */
  public FeedOptions with(FeedFormat other) {
    return new FeedOptions(other, minimumLevel, minimumConfidence, maxBadPercent);
  }
}
