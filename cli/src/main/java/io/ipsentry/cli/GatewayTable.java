package io.ipsentry.cli;

import io.ipsentry.cli.Table.Column;
import io.ipsentry.proto.v1.AccessLogStatus;
import io.ipsentry.proto.v1.GatewayServerStatus;
import io.ipsentry.proto.v1.GatewayStatus;
import io.ipsentry.proto.v1.VerdictCount;
import java.util.List;
import java.util.Set;

/** The servers for gateways, as {@code status} shows them. */
final class GatewayTable {
  private static final Set<String> DENIALS = Set.of("banned", "blocked");
  private static final Set<String> TROUBLES = Set.of("not-synced", "error");

  private GatewayTable() {}

  static void print(GatewayStatus gateways, Shell shell) {
    shell.out().println();
    Table table =
        Table.on(
            shell,
            Column.text("GATEWAYS"),
            Column.flexible("ADDRESS"),
            Column.text("TLS"),
            Column.number("ALLOWED"),
            Column.number("DENIED"),
            Column.number("SHADOW"),
            Column.number("FAILED"),
            Column.number("NOW"),
            Column.number("UNKNOWN"));
    for (GatewayServerStatus server : gateways.getServersList()) {
      List<VerdictCount> verdicts =
          gateways.getVerdictsList().stream()
              .filter(count -> count.getTransport().equals(server.getTransport()))
              .toList();
      long all = verdicts.stream().mapToLong(VerdictCount::getCount).sum();
      long denied = sum(verdicts, DENIALS);
      long shadow = sum(verdicts, Set.of("shadow"));
      long failed = sum(verdicts, TROUBLES);
      table.row(
          server.getTransport(),
          server.getAddress(),
          server.getTls() ? "yes" : "no",
          String.valueOf(all - denied - shadow - failed),
          String.valueOf(denied),
          String.valueOf(shadow),
          String.valueOf(failed + server.getOverload()),
          String.valueOf(server.getInFlight()),
          String.valueOf(server.getUnauthenticated()));
    }
    table.flush();
    AccessLogStatus logs = gateways.getAccessLogs();
    if (logs.getEntries() > 0) {
      shell
          .out()
          .println(
              "access logs: "
                  + logs.getEntries()
                  + " entries, "
                  + logs.getHits()
                  + " hits, "
                  + logs.getUnauthenticated()
                  + " of unknown callers");
    }
  }

  private static long sum(List<VerdictCount> verdicts, Set<String> names) {
    return verdicts.stream()
        .filter(count -> names.contains(count.getVerdict()))
        .mapToLong(VerdictCount::getCount)
        .sum();
  }
}
