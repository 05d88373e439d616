package io.ipsentry.config;

/**
 * Bounds of what detection may cost and do.
 *
 * @param maxNewBansPerMinute of each rule, at least 1; beyond it a rule's weakest candidates wait
 * @param trackedAddressesBytes memory for addresses that have hits but no ban; at the limit the
 *     least dangerous are forgotten
 */
public record LimitsConfig(int maxNewBansPerMinute, long trackedAddressesBytes) {
  /** Used when the configuration says nothing. */
  public static final LimitsConfig DEFAULT = new LimitsConfig(1_000, 64L << 20);

  /** Less memory for tracked addresses would forget attackers at once. */
  public static final long MIN_TRACKED_BYTES = 1L << 20;

  /** More memory for tracked addresses is taken for a mistake. */
  public static final long MAX_TRACKED_BYTES = 64L << 30;

  public LimitsConfig {
    if (maxNewBansPerMinute < 1) {
      throw new IllegalArgumentException("maxNewBansPerMinute must be at least 1");
    }
    if (trackedAddressesBytes < MIN_TRACKED_BYTES || trackedAddressesBytes > MAX_TRACKED_BYTES) {
      throw new IllegalArgumentException("trackedAddressesBytes must be 1 MiB to 64 GiB");
    }
  }
}
