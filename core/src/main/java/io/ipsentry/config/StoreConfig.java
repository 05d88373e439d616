package io.ipsentry.config;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The embedded ban log.
 *
 * @param path the SQLite file
 * @param keepHistory events older than this may be deleted once they are in a snapshot; null: never
 */
public record StoreConfig(Path path, @Nullable Duration keepHistory) {
  /** Used when the configuration says nothing. */
  public static final StoreConfig DEFAULT =
      new StoreConfig(Path.of("/var/lib/ip-sentry/ip-sentry.db"), Duration.ofDays(400));

  /** Shortest history: who looks for why somebody was banned yesterday must find it. */
  public static final Duration MIN_KEEP_HISTORY = Duration.ofDays(1);
}
