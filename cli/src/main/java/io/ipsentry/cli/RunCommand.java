package io.ipsentry.cli;

import io.ipsentry.watcher.logging.JsonLogging;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code run}: everything on one host. */
@Command(
    name = "run",
    header = "Follow the sources of the configuration and ban, until it is stopped.",
    description = {
      "Serves the admin socket, /metrics, /healthz and /readyz. The configuration is read again"
          + " when it changes; a bad one leaves the old one in force. Logs JSON lines to standard"
          + " error. SIGTERM and SIGINT end it in order; it also ends when its only sources are"
          + " standard input and that ends.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry run",
      "  ip-sentry run --config ip-sentry.yaml",
      "  tail -F app.log | ip-sentry run --config stdin.yaml"
    })
final class RunCommand implements Service {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();

  @Option(
      names = {"-c", "--config"},
      paramLabel = "FILE",
      description = "Default: $IP_SENTRY_CONFIG, else /etc/ip-sentry/ip-sentry.yaml.")
  private @Nullable Path config;

  @Option(
      names = "--log-level",
      paramLabel = "LEVEL",
      description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.",
      defaultValue = "info")
  private JsonLogging.Verbosity verbosity = JsonLogging.Verbosity.INFO;

  RunCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public void set(@Nullable Path file, JsonLogging.Verbosity level) {
    config = file;
    verbosity = level;
  }

  @Override
  public Integer call() throws IOException {
    Locations locations = Locations.find(config, shell, ExitCode.NO);
    if (locations.config().store().kubernetes().isPresent()) {
      throw CommandException.no(
          "the log of this configuration is in a cluster (store.kubernetes), and run keeps one on"
              + " this host; start ip-sentry watcher, or remove store.kubernetes");
    }
    if (locations.config().sources().isEmpty()
        && locations.config().authz().isEmpty()
        && locations.config().enforcer().isEmpty()) {
      throw CommandException.no(
          locations
                  .configFile()
                  .map(file ->
                      "the configuration " + file + " has neither sources nor authz nor enforcer")
                  .orElse("there is no configuration, so nothing to follow or serve")
              + "; write one with sources or authz, such as docs/examples/ip-sentry.yaml, to "
              + Locations.SYSTEM_CONFIG
              + " or name it with --config");
    }
    JsonLogging.start(verbosity);
    GrpcLogging.install();
    try (HostRun run = HostRun.open(locations, shell)) {
      run.run();
    }
    return ExitCode.DONE;
  }
}
