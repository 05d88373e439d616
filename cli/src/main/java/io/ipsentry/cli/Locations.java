package io.ipsentry.cli;

import io.ipsentry.config.AdminConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.ConfigProblem;
import io.ipsentry.config.ConfigReport;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.config.StoreConfig;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Where configuration, ban log and admin socket are, by the rules that {@code --help} tells.
 *
 * <p>Configuration: {@code --config}, else {@code IP_SENTRY_CONFIG}, else {@value #SYSTEM_CONFIG}
 * if it exists, else what is built in.
 *
 * <p>Ban log and socket: what the configuration says. Where it says nothing, the places of the
 * system ({@code /var/lib/ip-sentry}, {@code /run/ip-sentry}); for somebody who is not root on a
 * host that has neither of these directories, places of their own below {@code XDG_STATE_HOME} and
 * {@code XDG_RUNTIME_DIR}. So an unprivileged user can try everything, and one who only lacks
 * permission to the system's instance is told so and not shown an empty list.
 */
record Locations(Optional<Path> configFile, Config config, Path store, Path socket) {
  static final String SYSTEM_CONFIG = "/etc/ip-sentry/ip-sentry.yaml";
  static final String CONFIG_VARIABLE = "IP_SENTRY_CONFIG";

  /**
   * Finds them and reads the configuration.
   *
   * @param option {@code --config}; null if it was not given
   * @param invalidExitCode exit code where the configuration is invalid: {@link ExitCode#NO} for a
   *     command that is about the configuration, which then tells its warnings too; {@link
   *     ExitCode#FAILED} where exit code 1 means something else
   */
  static Locations find(@Nullable Path option, Shell shell, int invalidExitCode) {
    Optional<Path> file = configFile(option, shell);
    Config config =
        file.map(path -> load(path, shell, invalidExitCode)).orElseGet(Config::defaults);
    return of(file, config, shell);
  }

  /** Which file is the configuration; empty: none, what is built in holds. */
  static Optional<Path> configFile(@Nullable Path option, Shell shell) {
    return Optional.ofNullable(option)
        .or(() -> shell.variable(CONFIG_VARIABLE).map(Path::of))
        .or(() -> Optional.of(Path.of(SYSTEM_CONFIG)).filter(Files::exists));
  }

  /** The places for a configuration that has been read. */
  static Locations of(Optional<Path> file, Config config, Shell shell) {
    boolean own = !shell.user().isRoot() && !hasSystemPlaces();
    Path store = config.store().path();
    if (own && store.equals(StoreConfig.DEFAULT.path())) {
      store = stateHome(shell).resolve(store.getFileName());
    }
    Path socket = config.admin().socket();
    if (own && socket.equals(AdminConfig.DEFAULT.socket())) {
      Path directory =
          shell
              .variable("XDG_RUNTIME_DIR")
              .map(runtime -> Path.of(runtime, "ip-sentry"))
              .orElseGet(() -> stateHome(shell));
      socket = directory.resolve(socket.getFileName());
    }
    return new Locations(file, config, store, socket);
  }

  private static boolean hasSystemPlaces() {
    return exists(StoreConfig.DEFAULT.path().getParent())
        || exists(AdminConfig.DEFAULT.socket().getParent());
  }

  private static boolean exists(@Nullable Path directory) {
    return directory != null && Files.exists(directory, LinkOption.NOFOLLOW_LINKS);
  }

  private static Path stateHome(Shell shell) {
    Path home = shell.user().home();
    return shell
        .variable("XDG_STATE_HOME")
        .map(Path::of)
        .orElseGet(() -> (home == null ? Path.of(".") : home).resolve(".local/state"))
        .resolve("ip-sentry");
  }

  private static Config load(Path file, Shell shell, int invalidExitCode) {
    return switch (read(file, shell)) {
      case ConfigResult.Valid valid -> {
        if (invalidExitCode == ExitCode.NO) {
          // Who only asks for a ban need not hear of doubtful rules.
          for (ConfigProblem warning : valid.warnings()) {
            shell.err().println(Printable.of(ConfigReport.line(warning)));
          }
        }
        yield valid.config();
      }
      case ConfigResult.Invalid invalid -> {
        String errors =
            invalid.errors().stream()
                .map(ConfigProblem::toString)
                .collect(Collectors.joining("\n"));
        String message =
            "the configuration "
                + file
                + " is invalid; mend it and try it with check-config:\n"
                + errors;
        throw invalidExitCode == ExitCode.NO
            ? CommandException.no(message)
            : CommandException.failed(
                message
                    + "\nA running instance goes on with the one before; name its socket with"
                    + " --socket to reach it.");
      }
    };
  }

  /** Reads a file; one that cannot be read is a failure, not an invalid configuration. */
  static ConfigResult read(Path file, Shell shell) {
    if (!Files.exists(file)) {
      throw CommandException.failed(
          "there is no configuration " + file + "; name another with --config");
    }
    if (Files.isDirectory(file) || !Files.isReadable(file)) {
      throw CommandException.failed(
          "the configuration " + file + " cannot be read; check its permissions");
    }
    return new ConfigLoader(shell.clock()).load(file);
  }
}
