package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.ipsentry.conformance.program.Gateways;
import io.ipsentry.conformance.program.RunningAgent;
import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningIpSentry;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the processes show at {@code /metrics} is what {@code docs/metrics.md} describes; the table
 * of the kernel is looked at where there is one ({@code EnforcerProcessIT}).
 */
final class MetricsDocumentationIT {
  private static final Pattern NAME = Pattern.compile("`(\\w+)`");
  private static final int TABLES = 10;

  /** Refused bans have a metric of their own only once there was one. */
  private static final String PRIVATE_PROBES =
      """
      192.168.1.1 - - [26/Nov/2026:10:00:00 +0000] "GET /.env HTTP/1.1" 404 0 "-" "test"
      """
          .repeat(3);

  private static final String RULES =
      """
      rules:
        - name: probing
          on: request
          match: { paths: ['^/\\.env'] }
          threshold: 3
          window: 1h
          ban: 24h
        - name: logged
          match: { paths: ['^/\\.env'] }
          threshold: 3
          window: 1h
          ban: 24h
      """;

  @TempDir private Path directory;

  @Test
  void tables_ofTheDocumentation_nameExactlyWhatIsShown() throws Exception {
    List<Set<String>> tables = tables();
    assertThat(tables).hasSize(TABLES);
    Set<String> ofRun = union(tables.subList(0, 4));
    Path log = Files.createFile(directory.resolve("access.log"));
    int http = Gateways.freePort();
    int grpc = Gateways.freePort();
    String config =
        """
        sources: [{ name: nginx, file: %s, format: combined, startAt: beginning }]
        authz: { listen: "127.0.0.1:%d", http: "127.0.0.1:%d", callers: [127.0.0.1] }
        trustedProxies: [127.0.0.1]
        sinks: [{ stdout: true }]
        """
            .formatted(log, grpc, http);
    try (RunningIpSentry run = RunningIpSentry.start(directory, config + RULES);
        RunningAuthzServer server =
            RunningAuthzServer.start(
                Files.createDirectory(directory.resolve("server")), run.socket(), RULES)) {
      Files.writeString(log, PRIVATE_PROBES);
      askBoth(http, grpc);
      assertThat(server.ask("203.0.113.7", "/")).isEqualTo(200);
      await()
          .atMost(RunningIpSentry.PATIENCE)
          .untilAsserted(() -> assertThat(shown(run.metrics())).isEqualTo(ofRun));
      // Of the first table it has what is not about sources, rules and the store.
      assertThat(shown(server.metrics())).containsAll(tables.getLast()).isSubsetOf(union(tables));
      try (RunningAgent agent =
          RunningAgent.start(
              Files.createDirectory(directory.resolve("agent")),
              List.of("--socket", run.socket().toString()),
              "sources: [{ file: %s, format: combined, reader: agent }]%n".formatted(log))) {
        assertThat(shown(agent.metrics()))
            .containsAll(tables.get(TABLES - 2))
            .anyMatch(metric -> metric.startsWith("ip_sentry_report_waiting "))
            .anyMatch(metric -> metric.startsWith("ip_sentry_lines_total "))
            .isSubsetOf(union(tables));
      }
    }
  }

  private static void askBoth(int http, int grpc) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", grpc).usePlaintext().build();
    try (HttpClient client = HttpClient.newHttpClient()) {
      assertThat(Gateways.forwardAuth(client, http, "203.0.113.7", "/").statusCode())
          .isEqualTo(200);
      assertThat(
              AuthorizationGrpc.newBlockingStub(channel)
                  .withDeadlineAfter(20, TimeUnit.SECONDS)
                  .check(Gateways.check("203.0.113.7", "/"))
                  .getStatus()
                  .getCode())
          .isZero();
    } finally {
      channel.shutdownNow();
    }
  }

  private static Set<String> union(List<Set<String>> tables) {
    return tables.stream().flatMap(Set::stream).collect(Collectors.toSet());
  }

  /** Names and types of what a process shows. */
  private static Set<String> shown(String metrics) {
    return metrics
        .lines()
        .filter(line -> line.startsWith("# TYPE "))
        .map(line -> line.substring("# TYPE ".length()))
        .collect(Collectors.toSet());
  }

  /** Of each table of metrics, the names and types. */
  private static List<Set<String>> tables() throws IOException {
    List<Set<String>> tables = new ArrayList<>();
    Set<String> table = null;
    for (String line : Files.readAllLines(Path.of("../docs/metrics.md"))) {
      if (line.startsWith("| metric |")) {
        table = new HashSet<>();
        tables.add(table);
      } else if (!line.startsWith("|")) {
        table = null;
      } else if (table != null && line.startsWith("| `")) {
        String[] cells = line.split("\\|");
        List<String> types = List.of(cells[2].strip().split(", "));
        Matcher names = NAME.matcher(cells[1]);
        for (int i = 0; names.find(); i++) {
          // Several metrics in a row are of the type that is given, or each of its own.
          assertThat(table.add(names.group(1) + " " + types.get(Math.min(i, types.size() - 1))))
              .as(line)
              .isTrue();
        }
      }
    }
    return tables;
  }
}
