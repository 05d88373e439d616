package io.ipsentry.cli;

import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.watcher.logging.JsonLogging;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code watcher}: one of those that keep the log of a cluster. */
@Command(
    name = "watcher",
    header = "Keep the ban log of a cluster, together with others, until it is stopped.",
    description = {
      "The log is in the cluster (store.kubernetes). Any number may run, and one of them leads: it"
          + " follows the sources and bans, keeps the log short, shows the blocklist and carries"
          + " out what people make of it, and tells everybody what must never be banned. The others"
          + " stand by, answer on their admin API, and one takes over when the leader ends or is"
          + " cut off. Serves the admin socket, /metrics, /healthz and /readyz. The configuration"
          + " is read again when it changes. SIGTERM and SIGINT end it in order: it gives the lead"
          + " back first.",
      ""
    },
    footer = {"", "Examples:", "  ip-sentry watcher", "  ip-sentry watcher --config watcher.yaml"})
final class WatcherCommand implements Service {
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

  WatcherCommand(Shell shell) {
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
    ClusterStoreConfig cluster =
        locations
            .config()
            .store()
            .kubernetes()
            .orElseThrow(() ->
                CommandException.no(
                    "the configuration names no log in a cluster; write store: { kubernetes: {} },"
                        + " or start ip-sentry run, which keeps one on this host"));
    JsonLogging.start(verbosity);
    GrpcLogging.install();
    try (WatcherRun run = WatcherRun.open(locations, cluster, shell)) {
      run.run();
    }
    return ExitCode.DONE;
  }
}
