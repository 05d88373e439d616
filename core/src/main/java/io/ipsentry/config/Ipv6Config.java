package io.ipsentry.config;

/**
 * How IPv6 addresses are counted and banned: one client usually has a whole /64.
 *
 * @param countPrefix length of the prefix whose hits are counted together, 48 to 128
 * @param banPrefix length of the prefix that is banned, 48 to {@code countPrefix}
 * @param widen whether four banned neighbours within the window widen the ban (/64, /56, /48)
 */
public record Ipv6Config(int countPrefix, int banPrefix, boolean widen) {
  /** Used when the configuration says nothing. */
  public static final Ipv6Config DEFAULT = new Ipv6Config(64, 64, true);

  /** A shorter prefix may belong to more than one customer. */
  public static final int MIN_PREFIX = 48;

  public Ipv6Config {
    if (countPrefix < MIN_PREFIX || countPrefix > 128) {
      throw new IllegalArgumentException("countPrefix must be 48 to 128, but is: " + countPrefix);
    }
    if (banPrefix < MIN_PREFIX || banPrefix > countPrefix) {
      throw new IllegalArgumentException(
          "banPrefix must be 48 to countPrefix, but is: " + banPrefix);
    }
  }
}
