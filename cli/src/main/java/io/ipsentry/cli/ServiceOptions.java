package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.watcher.logging.JsonLogging;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What the processes that keep no log are started with. */
final class ServiceOptions {
  @Option(
      names = {"-c", "--config"},
      paramLabel = "FILE",
      description = "Default: $IP_SENTRY_CONFIG, else /etc/ip-sentry/ip-sentry.yaml.")
  private @Nullable Path config;

  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description = "Admin socket of the owner. Default: admin.socket of the configuration.")
  private @Nullable Path socket;

  @Mixin private final ServerOptions server = new ServerOptions();

  @Option(
      names = "--log-level",
      paramLabel = "LEVEL",
      description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.",
      defaultValue = "info")
  private JsonLogging.Verbosity verbosity = JsonLogging.Verbosity.INFO;

  /** As {@link Service#set}. */
  void set(@Nullable Path file, JsonLogging.Verbosity level) {
    config = file;
    verbosity = level;
  }

  /**
   * Reads the configuration, after a look at the options.
   *
   * @throws CommandException if the owner is named in two ways, or the configuration is invalid
   */
  Locations locations(Shell shell) {
    if (endpoint(shell).isPresent() && socket != null) {
      throw CommandException.usage("--server and --socket are two ways; give one of them");
    }
    return Locations.find(config, shell, ExitCode.NO);
  }

  private Optional<AdminEndpoint> endpoint(Shell shell) {
    return server.endpoint(shell);
  }

  /** Begins to write the log of the process, and finds the log of bans that it follows. */
  FollowedState start(Locations locations, Shell shell) {
    JsonLogging.start(verbosity);
    GrpcLogging.install();
    return LogOrigins.open(endpoint(shell), socket, locations, shell);
  }
}
