package io.ipsentry.stage;

import io.ipsentry.testing.Programs;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The program as people start it: by the launcher of the checkout, which has flags and caches for
 * each component. Stateless.
 */
final class Program {
  /** From the directory of a module. */
  private static final String LAUNCHER =
      Path.of("..", "ip-sentry").toAbsolutePath().normalize().toString();

  /** As in a pod: the caches of a cluster's processes are others than those of a host's. */
  private static final String IN_POD = "KUBERNETES_SERVICE_HOST=" + Addresses.API_SERVICE;

  /** With everything to download, on a slow machine. */
  private static final Duration FIRST_USE = Duration.ofMinutes(10);

  private Program() {}

  /**
   * Builds it and makes its caches, unless that is done: some two minutes at first use, so that
   * those who start together later do not wait for it.
   *
   * @throws IllegalStateException if it cannot be built, with what the launcher says
   */
  static void prepare() {
    String ignored = Programs.run(FIRST_USE, List.of("env", IN_POD, LAUNCHER, "watcher", "--help"));
  }

  /** A component of a release. */
  static List<String> command(String component, List<String> arguments) {
    List<String> command =
        new ArrayList<>(List.of("env", IN_POD, "IP_SENTRY_NO_BUILD=1", LAUNCHER, component));
    command.addAll(arguments);
    return command;
  }
}
