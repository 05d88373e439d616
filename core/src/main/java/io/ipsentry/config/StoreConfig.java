package io.ipsentry.config;

import java.nio.file.Path;

/**
 * The embedded ban log.
 *
 * @param path the SQLite file
 */
public record StoreConfig(Path path) {
  /** Used when the configuration says nothing. */
  public static final StoreConfig DEFAULT =
      new StoreConfig(Path.of("/var/lib/ip-sentry/ip-sentry.db"));
}
