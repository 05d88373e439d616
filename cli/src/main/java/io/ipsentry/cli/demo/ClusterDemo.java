package io.ipsentry.cli.demo;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Builds a whole cluster on this machine for the demonstration. Found by {@link
 * java.util.ServiceLoader}: a checkout has one, in its module {@code stage}; what is installed has
 * none. Safe for any thread.
 */
public interface ClusterDemo {
  /** Why it cannot be built here, as the rest of a sentence; empty: it can. */
  Optional<String> obstacle();

  /**
   * Builds it and waits until all of it is ready. A thread that is interrupted meanwhile takes away
   * what is there and ends.
   *
   * @param directory empty, of a short path; everything is written below it
   * @throws DemoException if something does not start
   */
  ClusterStage build(Path directory);
}
