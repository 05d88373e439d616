package io.ipsentry.cli;

import io.ipsentry.watcher.logging.JsonLogging;
import java.io.IOException;
import java.nio.file.Path;
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
final class EnforcerCommand implements Service {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final ServiceOptions service = new ServiceOptions();

  @Option(
      names = "--checkpoints",
      paramLabel = "FILE",
      description = {
        "With enforcer.agent: SQLite file of this agent alone, on the node. Default:"
            + " store.checkpoints of the configuration, else /var/lib/ip-sentry/agent.db."
      })
  private @Nullable Path checkpoints;

  EnforcerCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public void set(@Nullable Path file, JsonLogging.Verbosity level) {
    service.set(file, level);
  }

  @Override
  public Integer call() throws IOException {
    Locations locations = service.locations(shell);
    FollowedState owner = service.start(locations, shell);
    try (EnforcerRun run = EnforcerRun.open(locations, owner, checkpoints, shell)) {
      run.run();
    }
    return ExitCode.DONE;
  }
}
