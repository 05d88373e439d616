package io.ipsentry.cli;

import io.ipsentry.watcher.logging.JsonLogging;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code agent}: the sources of a node as a process of its own. */
@Command(
    name = "agent",
    header = "Read the logs of this node and report hits to the leader, until it is stopped.",
    description = {
      "Follows the sources of the configuration that have reader: agent, finds hits by its rules,"
          + " and sends these, not lines, to the process that counts: the watcher that leads the"
          + " cluster of store.kubernetes, or an ip-sentry run that it reaches by --server or"
          + " --socket. Serves /metrics, /healthz and /readyz. Positions, and hits that may be"
          + " asked for once more, are kept in a file of its own, so a restart neither loses nor"
          + " repeats one. While nobody counts, hits are kept, and when there is no room for more,"
          + " lines wait in their files.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry agent --config /etc/ip-sentry/ip-sentry.yaml",
      "  ip-sentry agent --config agent.yaml --server sentry.example:9004 --ca ca.pem"
          + " --token-file /run/secrets/token"
    })
final class AgentCommand implements Service {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final ServiceOptions service = new ServiceOptions();

  @Option(
      names = "--checkpoints",
      paramLabel = "FILE",
      description = {
        "SQLite file of this agent alone, on the node. Default: store.checkpoints of the"
            + " configuration, else /var/lib/ip-sentry/agent.db."
      })
  private @Nullable Path checkpoints;

  AgentCommand(Shell shell) {
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
    try (AgentRun run = AgentRun.open(locations, owner, checkpoints, shell)) {
      run.run();
    }
    return ExitCode.DONE;
  }
}
