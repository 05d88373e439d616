package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.watcher.logging.JsonLogging;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code enforcer}: bans in the kernel as a process of its own. */
@Command(
    name = "enforcer",
    header = "Drop the packets of banned clients in the kernel, until it is stopped.",
    description = {
      "Follows the log of the owner, an ip-sentry run that it reaches by --server or on its admin"
          + " socket, and keeps the kernel of this host as the bans want it; enforcer of the"
          + " configuration says how, and everything there has a default. Serves /metrics, /healthz"
          + " and /readyz. Needs the capabilities NET_ADMIN and NET_RAW. While the owner is away,"
          + " what is known holds; when it is stopped, bans stay in the kernel until they end,"
          + " unless onExit: flush is written.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry enforcer --socket /run/ip-sentry/admin.sock",
      "  ip-sentry enforcer --config enforcer.yaml --server sentry.example:9004 --ca ca.pem"
          + " --token-file /run/secrets/token"
    })
final class EnforcerCommand implements Callable<Integer> {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();

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

  EnforcerCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() throws IOException {
    Optional<AdminEndpoint> named = server.endpoint(shell);
    if (named.isPresent() && socket != null) {
      throw CommandException.usage("--server and --socket are two ways; give one of them");
    }
    Locations locations = Locations.find(config, shell, ExitCode.NO);
    JsonLogging.start(verbosity);
    GrpcLogging.install();
    FollowedState followed = LogOrigins.open(named, socket, locations, shell);
    try (EnforcerRun run = EnforcerRun.open(locations, followed, shell)) {
      run.run();
    }
    return ExitCode.DONE;
  }
}
