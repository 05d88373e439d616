package io.ipsentry.cli;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.banlog.BanHistory;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.cli.ConnectionOptions.Access;
import io.ipsentry.cli.ConnectionOptions.Way;
import io.ipsentry.cli.Table.Column;
import io.ipsentry.proto.v1.ClusterStatus;
import io.ipsentry.proto.v1.EngineStatus;
import io.ipsentry.proto.v1.FileStatus;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.LeaderDuty;
import io.ipsentry.proto.v1.RuleStatus;
import io.ipsentry.proto.v1.SourceStatus;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code status}: shows what the running instance does. */
@Command(
    name = "status",
    header = "Show what the running instance does: sources, rates, lag, rules, log.",
    description = {
      "When none is running, it shows what the store holds; then the exit code is 1, unless the"
          + " store was named with --store.",
      ""
    },
    footer = {"", "Examples:", "  ip-sentry status", "  ip-sentry status -o json"})
final class StatusCommand implements Callable<Integer> {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final ConnectionOptions connection = new ConnectionOptions();
  @Mixin private final OutputOption output = new OutputOption();

  StatusCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() {
    int exitCode =
        switch (connection.way(shell)) {
          case Way.Instance instance -> running(instance);
          case Way.Store store -> stopped(store);
        };
    shell.out().flush();
    return exitCode;
  }

  private int running(Way.Instance instance) {
    try (AdminClient client = new AdminClient(instance.endpoint())) {
      GetStatusResponse status = client.status();
      if (output.isJson()) {
        StatusJson.print(status, new JsonLines(shell.out()));
      } else {
        tell(status, instance);
      }
    }
    return ExitCode.DONE;
  }

  private int stopped(Way.Store store) {
    try (BanOperations operations = ConnectionOptions.open(store, shell, Access.EXISTING)) {
      long bans = operations.list(null, 1, "").total();
      long allowed = operations.listAllowed(null, 1, "").total();
      long head =
          operations.history(null, BanHistory.FROM_NEWEST, 1).stream()
              .mapToLong(event -> event.seq())
              .findFirst()
              .orElse(0);
      if (output.isJson()) {
        StatusJson.printStopped(store.path(), head, bans, allowed, new JsonLines(shell.out()));
      } else {
        line("ip-sentry", Style.of(shell).yellow("not running"));
        line("store", store.path() + ", " + log(head, bans, allowed));
      }
    }
    return connection.namesStore() ? ExitCode.DONE : ExitCode.NO;
  }

  private void tell(GetStatusResponse status, Way.Instance instance) {
    line(
        "ip-sentry",
        status.getVersion()
            + ", "
            + Style.of(shell).green("running")
            + " for "
            + age(status.getStartedAt())
            + ", admin API "
            + instance.endpoint().text());
    line(
        "store",
        status.getLog().getStore()
            + ", "
            + log(
                status.getLog().getHead(),
                status.getLog().getActiveBans(),
                status.getLog().getAllowed()));
    String file = status.getConfig().getFile();
    line(
        "config",
        (file.isEmpty() ? "built in" : file)
            + ", loaded "
            + age(status.getConfig().getLoadedAt())
            + " ago");
    if (!status.getConfig().getRefused().isEmpty()) {
      line("", Style.of(shell).red("newer one refused: ") + status.getConfig().getRefused());
    }
    if (status.hasCluster()) {
      cluster(status.getCluster());
    }
    EngineStatus engine = status.getEngine();
    line(
        "tracked",
        engine.getTrackedAddresses()
            + " addresses, "
            + bytes(engine.getTrackedBytes())
            + " of "
            + bytes(engine.getMaxTrackedBytes())
            + (engine.getEvicted() == 0 ? "" : ", " + engine.getEvicted() + " forgotten early"));
    if (status.getHitIntake().getReporters() + status.getHitIntake().getHits() > 0) {
      line(
          "reporters",
          status.getHitIntake().getReporters()
              + " connected, "
              + status.getHitIntake().getHits()
              + " hits");
    }
    if (status.hasEnforcer()) {
      String failure = status.getEnforcer().getFailure();
      if (!failure.isEmpty()) {
        line("enforcer", Style.of(shell).red("the kernel refuses: ") + Printable.of(failure));
      }
      String name = failure.isEmpty() ? "enforcer" : "";
      for (String text : EnforcerReport.lines(status.getEnforcer())) {
        line(name, text);
        name = "";
      }
    }
    sources(status);
    rules(status);
    FeedReport.print(status.getFeedsList(), shell);
    SinkReport.print(status, shell);
    if (status.hasGateways()) {
      GatewayTable.print(status.getGateways(), shell);
    }
  }

  private void cluster(ClusterStatus cluster) {
    String identity = Printable.of(cluster.getIdentity());
    if (cluster.getLeads()) {
      line("cluster", identity + " " + Style.of(shell).green("leads"));
    } else {
      line("cluster", identity + " stands by, " + leader(cluster));
    }
    if (!cluster.getLeaseProblem().isEmpty()) {
      line("", Style.of(shell).red("Lease: ") + Printable.of(cluster.getLeaseProblem()));
    }
    if (!cluster.getFull().isEmpty()) {
      line("", Style.of(shell).red("log full: ") + Printable.of(cluster.getFull()));
    }
    line(
        "",
        cluster.getBacklogEntries()
            + " ConfigMaps, "
            + bytes(cluster.getBacklogBytes())
            + ", that no snapshot has in it yet");
    for (LeaderDuty duty : cluster.getDutiesList()) {
      String done =
          duty.hasLastDone() ? "done " + age(duty.getLastDone()) + " ago" : "not done yet";
      line("", duty.getName() + ": " + done);
      if (!duty.getProblem().isEmpty()) {
        line("", Style.of(shell).red("  ") + Printable.of(duty.getProblem()));
      }
    }
  }

  private static String leader(ClusterStatus cluster) {
    return cluster.getLeader().isEmpty()
        ? "nobody is known to lead"
        : Printable.of(cluster.getLeader())
            + (cluster.getLeaderAddress().isEmpty()
                ? ""
                : " at " + Printable.of(cluster.getLeaderAddress()))
            + " leads";
  }

  private void sources(GetStatusResponse status) {
    if (status.getSourcesCount() == 0) {
      return;
    }
    shell.out().println();
    Table table =
        Table.on(
            shell,
            Column.flexible("SOURCE"),
            Column.flexible("FILE"),
            Column.text("FORMAT"),
            Column.number("LINES"),
            Column.number("MISSED"),
            Column.number("LINES/S"),
            Column.number("READ"),
            Column.text("LAG"),
            Column.flexible("PROBLEM"));
    for (SourceStatus source : status.getSourcesList()) {
      table.row(
          source.getName(),
          "",
          source.getFormat(),
          String.valueOf(source.getLines()),
          String.valueOf(source.getMissed()),
          "%.1f".formatted(source.getLinesPerSecond()),
          "",
          source.hasLag() ? lag(source.getLag()) : "",
          source.getError());
      for (FileStatus file : source.getFilesList()) {
        table.row(
            "",
            file.getPath(),
            "",
            "",
            "",
            "",
            percent(file.getPosition(), file.getSize()),
            "",
            "");
      }
    }
    table.flush();
  }

  private void rules(GetStatusResponse status) {
    if (status.getRulesCount() == 0) {
      return;
    }
    shell.out().println();
    Table table =
        Table.on(
            shell,
            Column.flexible("RULE"),
            Column.number("HITS"),
            Column.number("BANS"),
            Column.number("WAITING"),
            Column.number("REFUSED"));
    for (RuleStatus rule : status.getRulesList()) {
      table.row(
          rule.getName(),
          String.valueOf(rule.getHits()),
          String.valueOf(rule.getBans()),
          String.valueOf(rule.getWaiting()),
          String.valueOf(rule.getRefused()));
    }
    table.flush();
  }

  private void line(String name, String value) {
    shell.out().println("%-10s ".formatted(name) + value);
  }

  private static String log(long head, long bans, long allowed) {
    return head
        + (head == 1 ? " event, " : " events, ")
        + bans
        + (bans == 1 ? " ban, " : " bans, ")
        + allowed
        + " allowed";
  }

  private String age(Timestamp since) {
    return Times.format(
        java.time.Duration.between(WireMessages.time(since), shell.clock().instant()));
  }

  private static String lag(Duration lag) {
    return lag.getSeconds() >= 60
        ? Times.format(java.time.Duration.ofSeconds(lag.getSeconds()))
        : "%.1fs".formatted(lag.getSeconds() + lag.getNanos() / 1e9);
  }

  private static String percent(long position, long size) {
    return size <= 0 ? "" : Math.min(100, position * 100 / size) + "%";
  }

  /** Bytes in a binary unit, such as {@code 1.5 MiB}. */
  static String bytes(long bytes) {
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    double value = bytes;
    while (value >= 1024 && unit < units.length - 1) {
      value /= 1024;
      unit++;
    }
    return (unit == 0 ? String.valueOf(bytes) : "%.1f".formatted(value)) + " " + units[unit];
  }
}
