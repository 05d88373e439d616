package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A program that reads a log of nginx and bans who asks three times within ten minutes for one of
 * the fifteen paths of the pack {@code default}.
 */
interface Product {
  /** The paths, as a regular expression without the slash in front. */
  String PATHS =
      "(wp-admin|wp-login\\.php|xmlrpc\\.php|\\.env|\\.git/|\\.aws/|\\.ssh/|phpmyadmin|manager/html|admin\\.php"
          + "|config\\.php|setup\\.php|shell\\.php|eval\\.php|boaform/)";

  int THRESHOLD = 3;

  String name();

  /** Why it cannot be measured here. */
  Optional<String> absent();

  /**
   * Starts it with an empty memory and waits until it watches.
   *
   * @param node where it bans; null: it is started where this process is, and bans nobody in the
   *     kernel
   * @param directory its own, short enough for a Unix socket in it
   * @param log which exists
   */
  Running start(@Nullable NetworkNamespace node, Path directory, Path log)
      throws IOException, InterruptedException;

  /** It, running. */
  interface Running extends AutoCloseable {
    /** Of all its processes. */
    List<Long> pids();

    @Override
    void close();
  }
}
