package io.ipsentry.cli;

import io.ipsentry.watcher.logging.JsonLogging;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

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
final class AuthzServerCommand implements Service {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final ServiceOptions service = new ServiceOptions();

  AuthzServerCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public void set(@Nullable Path file, JsonLogging.Verbosity level) {
    service.set(file, level);
  }

  @Override
  public Integer call() throws IOException {
    Locations locations = service.locations(shell);
    if (!GatewayConfig.isServed(locations.config())) {
      throw CommandException.no(
          locations.configFile().map(file -> "the configuration " + file).orElse("what is built in")
              + " has no authz.listen and no authz.http, so there is nothing to serve; write one,"
              + " such as docs/examples/l7.yaml, and name it with --config");
    }
    FollowedState followed = service.start(locations, shell);
    try (AuthzRun run = AuthzRun.open(locations, followed, shell)) {
      run.run();
    }
    return ExitCode.DONE;
  }
}
