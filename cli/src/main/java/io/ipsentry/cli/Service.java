package io.ipsentry.cli;

import io.ipsentry.watcher.logging.JsonLogging;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** A command that stays until it is stopped. */
interface Service extends Callable<Integer> {
  /**
   * Sets the two options that all of them have, and leaves the others as by default.
   *
   * @param config null: by default
   */
  void set(@Nullable Path config, JsonLogging.Verbosity verbosity);

  @Override
  Integer call() throws IOException;
}
