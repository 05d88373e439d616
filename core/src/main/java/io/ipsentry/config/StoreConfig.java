package io.ipsentry.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where the ban log is.
 *
 * @param path the SQLite file; of no meaning where {@code kubernetes} is there
 * @param keepHistory events older than this may be deleted once they are in a snapshot; null: never
 * @param kubernetes the log is in a cluster; empty: it is in the file
 */
public record StoreConfig(
    Path path, @Nullable Duration keepHistory, Optional<ClusterStoreConfig> kubernetes) {
  /** Used when the configuration says nothing. */
  public static final StoreConfig DEFAULT =
      new StoreConfig(
          Path.of("/var/lib/ip-sentry/ip-sentry.db"), Duration.ofDays(400), Optional.empty());

  /** Shortest history: who looks for why somebody was banned yesterday must find it. */
  public static final Duration MIN_KEEP_HISTORY = Duration.ofDays(1);
}
