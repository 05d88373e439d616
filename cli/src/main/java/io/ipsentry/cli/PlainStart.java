package io.ipsentry.cli;

import io.ipsentry.watcher.logging.JsonLogging;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Starts a command that stays by the options that services and charts name, {@code COMMAND
 * [--config FILE] [--log-level LEVEL]}, and leaves every other command line to {@link Commands}.
 *
 * <p>The parser of command lines is 170 classes, and what it finds out by reflection: 3 MiB that a
 * process which needed it once would keep as long as it lives.
 */
final class PlainStart {
  private PlainStart() {}

  /** The command that the arguments start; empty if it takes more than this to understand them. */
  static Optional<Service> of(String[] args, Shell shell) {
    Service service = args.length % 2 == 0 ? null : service(args[0], shell);
    Path config = null;
    JsonLogging.Verbosity verbosity = null;
    for (int i = 1; service != null && i < args.length; i += 2) {
      String value = args[i + 1];
      if (isConfig(args[i]) && config == null && isPlain(value)) {
        config = Path.of(value);
      } else if (args[i].equals("--log-level") && verbosity == null) {
        verbosity = level(value);
        service = verbosity == null ? null : service;
      } else {
        service = null;
      }
    }
    if (service != null) {
      service.set(config, verbosity == null ? JsonLogging.Verbosity.INFO : verbosity);
    }
    return Optional.ofNullable(service);
  }

  /** Runs it to its end and returns the exit code; never throws. */
  static int run(Service service, Shell shell) {
    try {
      return service.call();
    } catch (IOException | RuntimeException e) {
      return Failures.exitCode(e, shell, false);
    }
  }

  private static boolean isConfig(String option) {
    return option.equals("--config") || option.equals("-c");
  }

  /** No option, and no file that more arguments are in. */
  private static boolean isPlain(String value) {
    return !value.isEmpty() && value.charAt(0) != '-' && value.charAt(0) != '@';
  }

  private static JsonLogging.@Nullable Verbosity level(String text) {
    for (JsonLogging.Verbosity level : JsonLogging.Verbosity.values()) {
      if (level.name().equalsIgnoreCase(text)) {
        return level;
      }
    }
    return null;
  }

  private static @Nullable Service service(String name, Shell shell) {
    return switch (name) {
      case "run" -> new RunCommand(shell);
      case "watcher" -> new WatcherCommand(shell);
      case "authz-server" -> new AuthzServerCommand(shell);
      case "enforcer" -> new EnforcerCommand(shell);
      case "agent" -> new AgentCommand(shell);
      default -> null;
    };
  }
}
