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
final class AgentCommand implements Callable<Integer> {
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

  @Option(
      names = "--checkpoints",
      paramLabel = "FILE",
      description = {
        "SQLite file of this agent alone, on the node. Default: store.checkpoints of the"
            + " configuration, else /var/lib/ip-sentry/agent.db."
      })
  private @Nullable Path checkpoints;

  @Mixin private final ServerOptions server = new ServerOptions();

  @Option(
      names = "--log-level",
      paramLabel = "LEVEL",
      description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.",
      defaultValue = "info")
  private JsonLogging.Verbosity verbosity = JsonLogging.Verbosity.INFO;

  AgentCommand(Shell shell) {
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
    FollowedState owner = LogOrigins.open(named, socket, locations, shell);
    try (AgentRun run = AgentRun.open(locations, owner, checkpoints, shell)) {
      run.run();
    }
    return ExitCode.DONE;
  }
}
