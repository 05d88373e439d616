package io.ipsentry.config;

import io.ipsentry.feed.FeedAction;
import io.ipsentry.feed.FeedGuard;
import io.ipsentry.feed.FeedOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * A list of addresses that others keep.
 *
 * @param name 1 to 63 of {@code a-z 0-9 -}
 * @param origin where it is
 * @param options how it is read
 * @param every how often it is fetched
 * @param action what follows when an address is in it
 * @param factor of {@link FeedAction#TAG}: what thresholds are multiplied by, above 0, below 1
 * @param guard when it is not believed
 * @param expire its content is withdrawn when the source has not confirmed it for so long
 * @param headerFiles headers of the request by name, whose values are in files: keys of APIs
 * @param checksum where its SHA-256 is, as {@code sha256sum} writes it
 * @param ca certificates that the server's must be signed by, in place of the system's
 * @param network of {@link FeedAction#PROTECT}: the name in lists of trusted proxies that means the
 *     prefixes of this feed too, such as {@code cloudflare}; empty: none does
 */
public record FeedConfig(
    String name,
    FeedOrigin origin,
    FeedOptions options,
    Duration every,
    FeedAction action,
    double factor,
    FeedGuard guard,
    Duration expire,
    Map<String, Path> headerFiles,
    Optional<FeedOrigin> checksum,
    Optional<Path> ca,
    Optional<String> network) {
  /** How often a feed is fetched when the configuration does not say. */
  public static final Duration DEFAULT_EVERY = Duration.ofHours(1);

  /** Servers of lists ask not to be asked more often than this, and most much less often. */
  public static final Duration MIN_EVERY = Duration.ofMinutes(1);

  /** How long a content holds that its source no longer confirms. */
  public static final Duration DEFAULT_EXPIRE = Duration.ofDays(7);

  /** What a tag makes of thresholds. */
  public static final double DEFAULT_FACTOR = 0.5;

  /** Most feeds of a configuration. */
  public static final int MAX_FEEDS = 64;

  public FeedConfig {
    headerFiles = Map.copyOf(headerFiles);
  }

  /** Whether its content is given up when the source has been silent for {@link #expire}. */
  public boolean expires() {
    return action != FeedAction.PROTECT;
  }

  /** Where it is and how it is read: a content that was fetched otherwise is another feed's. */
  public String identity() {
    return origin
        + " as "
        + options.format().wireName()
        + ", level "
        + options.minimumLevel()
        + ", confidence "
        + options.minimumConfidence();
  }
}
