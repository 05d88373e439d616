package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.verdict.CheckedRequest;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.cli.ConnectionOptions.Way;
import io.ipsentry.cli.Finding.State;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigReport;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.enforcer.kernel.PacketFilters;
import io.ipsentry.kubernetes.checkup.ClusterLook;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.LeaderDuty;
import io.ipsentry.watcher.host.HostAddressReader;
import io.ipsentry.watcher.host.HostAddresses;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code doctor}: looks for what keeps ip-sentry from doing its work. */
@Command(
    name = "doctor",
    header = "Look for what keeps ip-sentry from doing its work, and tell how to mend it.",
    description = {
      "Looks at the configuration, each source and the end of its logs, the store, the running"
          + " instance and its servers for gateways, certificates, the clock, and the addresses of"
          + " this host. With --kubeconfig, or as kubectl ip-sentry, at a release in a cluster and"
          + " the gateways before it. Changes nothing, but with --canary. Exit 1:"
          + " something does not work.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry doctor",
      "  ip-sentry doctor -c ip-sentry.yaml -o json",
      "  ip-sentry doctor --canary",
      "  ip-sentry doctor --kubeconfig ~/.kube/config -n ip-sentry"
    })
final class DoctorCommand implements Callable<Integer> {
  /** The program is newer than this, so a clock before it is wrong. */
  private static final Instant EARLIEST = Instant.parse("2026-01-01T00:00:00Z");

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final ConnectionOptions connection = new ConnectionOptions();
  @Mixin private final OutputOption output = new OutputOption();

  @Option(
      names = "--canary",
      description =
          "Ban an address of the documentation for a moment through the running instance, and tell"
              + " how far it comes: log, enforcer, kernel.")
  private boolean canary;

  private final Shell shell;
  private boolean failed;
  private boolean running;

  DoctorCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() {
    clock();
    Optional<ConnectionOptions.InCluster> cluster = connection.cluster(shell);
    if (cluster.isPresent()) {
      inCluster(cluster.get());
      shell.out().flush();
      return failed ? ExitCode.NO : ExitCode.DONE;
    }
    HostAddresses host = HostCheckup.look(() -> HostAddressReader.linux().read(), this::report);
    Optional<Config> config = config();
    if (config.isPresent()) {
      ProtectedPrefixes protection = Protections.of(config.get(), host);
      SourceCheckup checkup = new SourceCheckup(config.get(), protection, HostFiles.REAL, shell);
      for (SourceConfig source : config.get().sources()) {
        checkup.look(source).forEach(this::report);
      }
      log(config.get(), checkup.requests(), protection);
      new AuthzCheckup(config.get(), shell).look(running).forEach(this::report);
    }
    shell.out().flush();
    return failed ? ExitCode.NO : ExitCode.DONE;
  }

  /** What runs there, and what the person may see of it. */
  private void inCluster(ConnectionOptions.InCluster cluster) {
    try (ClusterLook look = cluster.look()) {
      ClusterCheckup.Seen seen =
          new ClusterCheckup(look, cluster.release(), cluster.namespace(), shell, this::report)
              .look(canary);
      AdminEndpoint endpoint;
      try {
        endpoint = cluster.endpoint(seen.leader());
      } catch (CommandException | BanLogException e) {
        report(Finding.fail("instance", String.valueOf(e.getMessage()), "see the message"));
        return;
      }
      inClusterInstance(endpoint, seen);
      if (canary) {
        // A tunnel ends with the client that used it.
        new ClusterCanary(cluster.endpoint(seen.leader()), look, seen.pods(), shell)
            .fly()
            .forEach(this::report);
      }
    }
  }

  private void inClusterInstance(AdminEndpoint endpoint, ClusterCheckup.Seen seen) {
    try (AdminClient client = new AdminClient(endpoint)) {
      GetStatusResponse status = client.status();
      configuration(status, endpoint);
      report(
          Finding.ok(
              "store",
              status.getLog().getStore()
                  + ": "
                  + status.getLog().getHead()
                  + " events, "
                  + status.getLog().getActiveBans()
                  + " bans"));
      for (LeaderDuty duty : status.getCluster().getDutiesList()) {
        if (!duty.getProblem().isEmpty()) {
          report(
              Finding.fail(
                  "duty " + duty.getName(), duty.getProblem(), "see the log of the leader"));
        }
      }
      FeedReport.findings(status.getFeedsList()).forEach(this::report);
      agreement(client, seen.logged(), GatewayLogCheckup.protection(seen.parts()), true);
    } catch (BanLogException e) {
      report(
          Finding.fail("instance", String.valueOf(e.getMessage()), "see the message and its log"));
    }
  }

  private void configuration(GetStatusResponse status, AdminEndpoint endpoint) {
    String refused = status.getConfig().getRefused();
    report(
        refused.isEmpty()
            ? Finding.ok("instance", status.getVersion() + " answers on " + endpoint.text())
            : Finding.fail(
                "instance",
                "a newer configuration was refused: " + refused,
                "mend it; see check-config"));
  }

  private void clock() {
    Instant now = shell.clock().instant();
    report(
        now.isBefore(EARLIEST)
            ? Finding.fail("clock", "it is " + Times.format(now) + " here", "set the clock")
            : Finding.ok("clock", Times.format(now)));
  }

  private Optional<Config> config() {
    Optional<Path> file = connection.configFile(shell);
    if (file.isEmpty()) {
      report(
          Finding.warn(
              "config",
              "there is no " + Locations.SYSTEM_CONFIG + "; what is built in holds",
              "write one that names your logs as sources"));
      return Optional.of(Config.defaults());
    }
    ConfigResult result;
    try {
      result = Locations.read(file.get(), shell);
    } catch (CommandException e) {
      report(Finding.fail("config", String.valueOf(e.getMessage()), "name another with --config"));
      return Optional.empty();
    }
    result
        .warnings()
        .forEach(
            warning -> report(Finding.warn("config", ConfigReport.line(warning), warning.mend())));
    return switch (result) {
      case ConfigResult.Invalid invalid -> {
        invalid
            .errors()
            .forEach(
                error -> report(Finding.fail("config", ConfigReport.line(error), error.mend())));
        yield Optional.empty();
      }
      case ConfigResult.Valid valid -> {
        Config config = valid.config();
        String summary =
            file.get()
                + ": "
                + config.sources().size()
                + " sources, "
                + config.rules().size()
                + " rules";
        if (config.sources().isEmpty() && config.authz().isEmpty() && config.enforcer().isEmpty()) {
          report(Finding.fail("config", summary, "name your logs as sources, or serve gateways"));
        } else if (config.rules().isEmpty()) {
          report(Finding.fail("config", summary, "write a rule, or leave out rules:"));
        } else {
          report(Finding.ok("config", summary));
        }
        yield Optional.of(config);
      }
    };
  }

  private void log(Config config, List<LoggedRequest> logged, ProtectedPrefixes protection) {
    Way way;
    try {
      way = connection.way(shell);
    } catch (CommandException e) {
      report(Finding.fail("instance", String.valueOf(e.getMessage()), "see the message"));
      return;
    }
    switch (way) {
      case Way.Instance instance -> {
        instance(instance, logged, protection);
        if (canary) {
          EnforcerConfig kernel = config.enforcer().orElse(EnforcerConfig.DEFAULT);
          new Canary(
                  instance.endpoint(),
                  seen -> PacketFilters.open(kernel, shell.clock()).filter().read(seen),
                  Canary.PATIENCE,
                  shell)
              .fly()
              .forEach(this::report);
        }
      }
      case Way.Store store -> {
        report(
            Finding.warn(
                "instance",
                "ip-sentry is not running"
                    + (store.socket() == null ? "" : ": nobody answers on " + store.socket()),
                "start ip-sentry run"));
        if (canary) {
          report(Finding.fail("canary", "nobody is there to ban", "start ip-sentry run"));
        }
        new StoreCheckup(HostFiles.REAL, shell).look(store).forEach(this::report);
      }
    }
  }

  private void instance(
      Way.Instance instance, List<LoggedRequest> logged, ProtectedPrefixes protection) {
    try (AdminClient client = new AdminClient(instance.endpoint())) {
      GetStatusResponse status = client.status();
      // Of one on another host the addresses to listen on say nothing here.
      running = instance.endpoint() instanceof AdminEndpoint.Socket;
      configuration(status, instance.endpoint());
      Path store = Path.of(status.getLog().getStore());
      report(
          Finding.ok(
              "store",
              store
                  + ": "
                  + status.getLog().getHead()
                  + " events, "
                  + status.getLog().getActiveBans()
                  + " bans"));
      report(new StoreCheckup(HostFiles.REAL, shell).space(store));
      if (status.hasEnforcer()) {
        EnforcerReport.findings(status.getEnforcer()).forEach(this::report);
      }
      FeedReport.findings(status.getFeedsList()).forEach(this::report);
      agreement(client, logged, protection, false);
    } catch (BanLogException e) {
      report(
          Finding.fail(
              "instance", String.valueOf(e.getMessage()), "look at its log; restart ip-sentry"));
    }
  }

  private void agreement(
      AdminClient client,
      List<LoggedRequest> logged,
      ProtectedPrefixes protection,
      boolean sayIfNone) {
    try {
      List<CheckedRequest> checks = client.checks();
      // On a host most serve no gateways, and no authz-server follows them.
      if (sayIfNone || !checks.isEmpty()) {
        report(AddressAgreement.of(logged, checks, protection));
      }
    } catch (BanLogException e) {
      report(Finding.warn("addresses", String.valueOf(e.getMessage()), "see the message"));
    }
  }

  private void report(Finding finding) {
    failed |= finding.state() == State.FAIL;
    String state = finding.state().name().toLowerCase(Locale.ROOT);
    if (output.isJson()) {
      new JsonLines(shell.out())
          .object(json -> {
            json.writeStringField("check", finding.check());
            json.writeStringField("state", state);
            json.writeStringField("what", finding.what());
            json.writeStringField("why", finding.why());
            json.writeStringField("mend", finding.mend());
          });
      return;
    }
    Style style = Style.of(shell);
    String padded = "%-4s".formatted(state);
    String coloured =
        switch (finding.state()) {
          case OK -> style.green(padded);
          case WARN -> style.yellow(padded);
          case FAIL -> style.red(padded);
        };
    shell.out().println(coloured + "  " + Printable.of(finding.check() + ": " + finding.what()));
    if (!finding.why().isEmpty()) {
      shell.out().println("      " + Printable.of(finding.why()));
    }
    if (!finding.mend().isEmpty()) {
      shell.out().println("      -> " + Printable.of(finding.mend()));
    }
  }
}
