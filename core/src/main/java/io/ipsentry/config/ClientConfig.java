package io.ipsentry.config;

/**
 * Which address of a line or request is the client.
 *
 * @param from where it is taken from
 * @param trustedHops for {@link From#X_FORWARDED_FOR}: how many entries from the right were written
 *     by trusted proxies, the client being the next one; 0: entries that are trusted proxies are
 *     passed over instead
 */
public record ClientConfig(From from, int trustedHops) {
  /** Used when the configuration says nothing. */
  public static final ClientConfig AUTO = new ClientConfig(From.AUTO, 0);

  /** More proxies in a row than this are taken for a mistake. */
  public static final int MAX_TRUSTED_HOPS = 32;

  /** Where the client's address is taken from. */
  public enum From {
    /** What the format knows best: the vouched-for address, walked past trusted proxies. */
    AUTO,
    /** The source of the packets. */
    PEER,
    /** The field or header in which a trusted proxy names the client. */
    HEADER,
    /** The {@code X-Forwarded-For} list, read from the right. */
    X_FORWARDED_FOR
  }

  public ClientConfig {
    if (trustedHops < 0 || trustedHops > MAX_TRUSTED_HOPS) {
      throw new IllegalArgumentException("trustedHops must be 0 to " + MAX_TRUSTED_HOPS);
    }
  }
}
