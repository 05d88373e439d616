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

/** {@code authz-server}: the servers for gateways as a process of their own. */
@Command(
    name = "authz-server",
    header = "Answer gateways by the bans of another instance, until it is stopped.",
    description = {
      "Serves what authz of the configuration says, and /metrics, /healthz and /readyz. It follows"
          + " the log of the owner, an ip-sentry run that it reaches by --server or on its admin"
          + " socket, and reports the hits of inline rules to it, which counts them for all"
          + " servers. While the owner is away, what is known holds, and hits are kept and sent"
          + " later. Not ready before the whole log was read once.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry authz-server --config authz.yaml --socket /run/ip-sentry/admin.sock",
      "  ip-sentry authz-server --config authz.yaml --server sentry.example:9004 --ca ca.pem"
          + " --token-file /run/secrets/token"
    })
final class AuthzServerCommand implements Callable<Integer> {
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

  AuthzServerCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() throws IOException {
    Optional<AdminEndpoint> named = server.endpoint(shell);
    if (named.isPresent() && socket != null) {
      throw CommandException.usage("--server and --socket are two ways; give one of them");
    }
    Locations locations = Locations.find(config, shell, ExitCode.NO);
    if (!GatewayConfig.isServed(locations.config())) {
      throw CommandException.no(
          locations.configFile().map(file -> "the configuration " + file).orElse("what is built in")
              + " has no authz.listen and no authz.http, so there is nothing to serve; write one,"
              + " such as docs/examples/l7.yaml, and name it with --config");
    }
    JsonLogging.start(verbosity);
    GrpcLogging.install();
    FollowedState followed = LogOrigins.open(named, socket, locations, shell);
    try (AuthzRun run = AuthzRun.open(locations, followed, shell)) {
      run.run();
    }
    return ExitCode.DONE;
  }
}
