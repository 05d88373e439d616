package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.kernel.Node;
import io.ipsentry.conformance.program.Gateways;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.ListServer;
import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code run} with feeds, and what it exports, read by the programs that it is for. */
final class FeedsIT {
  private static final String RULES =
      "rules: [{ name: x, on: request, match: { paths: ['^/x'] }, threshold: 9 }]\n";

  @TempDir private Path directory;

  private static ConditionFactory soon(String what) {
    return await(what).atMost(RunningIpSentry.PATIENCE).pollDelay(Duration.ZERO);
  }

  @Test
  void run_feedsOfAServer_refuseTagAndSurviveARestart() throws Exception {
    int http = Gateways.freePort();
    ListServer lists =
        ListServer.start()
            .list("/drop", "203.0.113.0/28\n2001:db8:bad::/48\n198.51.100.0/24\n")
            .list("/suspects", "203.0.113.77\n");
    String authz =
        """
        authz: { http: "127.0.0.1:%d", callers: [127.0.0.1] }
        trustedProxies: [127.0.0.1]
        neverBan: [198.51.100.64/26]
        rules:
          - name: probing
            on: request
            match: { paths: ['^/\\.env'] }
            threshold: 4
            window: 10m
            ban: 1h
        """
            .formatted(http);
    String feeds =
        """
        feeds:
          - { name: drop-list, url: "%s", every: 1h }
          - { name: suspects, url: "%s", action: tag }
        """
            .formatted(lists.url("/drop"), lists.url("/suspects"));
    try (HttpClient client = HttpClient.newHttpClient();
        RunningIpSentry program = RunningIpSentry.start(directory, authz + feeds)) {
      soon("refused").until(() -> ask(client, http, "203.0.113.9", "/") == 403);
      assertThat(ask(client, http, "2001:db8:bad::1", "/")).isEqualTo(403);
      assertThat(ask(client, http, "198.51.100.9", "/")).isEqualTo(403);
      assertThat(ask(client, http, "198.51.100.65", "/")).as("never banned").isEqualTo(200);
      assertThat(ask(client, http, "203.0.113.99", "/")).isEqualTo(200);
      soon("tagged").until(() -> status(program).contains("\"action\":\"tag\",\"entries\":1"));
      // Half of four, for who is tagged.
      assertThat(ask(client, http, "203.0.113.77", "/.env")).isEqualTo(200);
      assertThat(ask(client, http, "203.0.113.77", "/.env")).isEqualTo(403);
      for (int i = 0; i < 3; i++) {
        assertThat(ask(client, http, "203.0.113.78", "/.env")).isEqualTo(200);
      }

      assertThat(program.command("get", "203.0.113.9").out()).contains("held by feed drop-list");
      assertThat(program.command("list", "--feeds").out())
          .contains("drop-list")
          .doesNotContain("suspects");
      assertThat(program.command("status").out()).contains("drop-list", "suspects");
      assertThat(program.metrics())
          .contains(
              "ip_sentry_feed_entries{feed=\"drop-list\"} 3.0",
              "ip_sentry_feed_prefixes{feed=\"drop-list\"} 3.0",
              "ip_sentry_feed_up{feed=\"suspects\"} 1.0");
      IpSentry.Result exported = program.command("export", "--feeds", "--config", config());
      assertThat(exported.out().lines())
          .as(exported.err())
          .contains("203.0.113.77", "203.0.113.0/28", "2001:db8:bad::/48", "198.51.100.128/25")
          .doesNotContain("198.51.100.0/24", "198.51.100.64/26");

      try (RunningAuthzServer follower =
          RunningAuthzServer.start(
              Files.createDirectory(directory.resolve("f")), program.socket(), RULES)) {
        soon("followed").until(() -> follower.ask("203.0.113.9", "/") == 403);
        assertThat(follower.ask("203.0.113.99", "/")).isEqualTo(200);
      }

      int before = lists.requests();
      lists.close();
      assertThat(program.stop()).isZero();
      program.start();
      soon("refused without the network").until(() -> ask(client, http, "203.0.113.9", "/") == 403);
      assertThat(lists.requests()).isEqualTo(before);
      assertThat(program.history()).filteredOn(event -> event.containsKey("feed")).hasSize(1);

      program.configure(authz);
      soon("withdrawn").until(() -> ask(client, http, "203.0.113.9", "/") == 200);
      assertThat(program.command("list", "--feeds").out()).doesNotContain("drop-list");
    }
  }

  @Test
  void run_rangesOfACdn_areSparedTrustedAndKept() throws Exception {
    int http = Gateways.freePort();
    ListServer lists = ListServer.start().list("/ips", "203.0.113.0/26\n2001:db8:cd::/48\n");
    String authz =
        """
        authz: { http: "127.0.0.1:%d", callers: [127.0.0.1] }
        trustedProxies: [127.0.0.1, cloudflare]
        """
            .formatted(http);
    String feeds =
        "feeds: [{ name: edge, url: \"%s\", every: 24h, action: protect, network: cloudflare }]\n"
            .formatted(lists.url("/ips"));
    try (HttpClient client = HttpClient.newHttpClient();
        RunningIpSentry program = RunningIpSentry.start(directory, authz)) {
      assertThat(program.command("ban", "203.0.113.9").exitCode()).isZero();
      assertThat(program.command("ban", "198.51.100.7").exitCode()).isZero();
      soon("banned before").until(() -> ask(client, http, "203.0.113.9", "/") == 403);
      assertThat(ask(client, http, "198.51.100.7, 203.0.113.9", "/")).isEqualTo(403);
      assertThat(ask(client, http, "198.51.100.7, 203.0.113.10", "/")).isEqualTo(200);

      program.configure(authz + feeds);
      soon("spared").until(() -> ask(client, http, "203.0.113.9", "/") == 200);
      soon("trusted").until(() -> ask(client, http, "198.51.100.7, 203.0.113.10", "/") == 403);
      IpSentry.Result refused = program.command("ban", "203.0.113.10");
      assertThat(refused.exitCode()).isEqualTo(1);
      assertThat(refused.err()).contains("CDN range 203.0.113.0/26 (edge)");
      assertThat(status(program)).contains("\"action\":\"protect\",\"entries\":2");
      assertThat(program.metrics()).contains("ip_sentry_feed_age_seconds{feed=\"edge\"}");

      lists.close();
      assertThat(program.stop()).isZero();
      program.start();
      assertThat(program.command("ban", "203.0.113.10").exitCode()).as("at once").isEqualTo(1);
      soon("serves").until(() -> ask(client, http, "198.51.100.7, 203.0.113.10", "/") == 403);

      program.configure(authz);
      soon("configured no more").until(() -> ask(client, http, "203.0.113.9", "/") == 403);
    }
  }

  private static int ask(HttpClient client, int port, String address, String target) {
    return Gateways.forwardAuth(client, port, address, target).statusCode();
  }

  /** What is never banned is spared by it. */
  private String config() {
    return directory.resolve("config.yaml").toString();
  }

  private static String status(RunningIpSentry program) {
    return program.command("status", "-o", "json").out();
  }

  @Test
  @RequiresRoot
  @RequiresProgram({"ip", "nft", "ipset", "nginx"})
  void run_feedOfAFile_isInTheKernelAndInExports() throws Exception {
    Path list = directory.resolve("list.txt");
    Files.writeString(list, "203.0.113.0/28\n198.51.100.7\n2001:db8:bad::/48\n");
    try (Node node = new Node();
        RunningIpSentry program =
            RunningIpSentry.startIn(
                node.host()::command,
                directory,
                """
                trustedProxies: []
                neverBan: [203.0.113.1, 203.0.113.8]
                enforcer: { backend: ipset, interval: 5s }
                feeds: [{ name: local, file: %s, every: 1m }]
                """
                    .formatted(list))) {
      soon("in the kernel").until(() -> node.isInSet("203.0.113.9"));
      assertThat(node.isInSet("2001:db8:bad::1")).isTrue();
      assertThat(node.isInSet("203.0.113.8")).isFalse();
      assertThat(node.isInSet("203.0.113.16")).isFalse();

      Path bans = Files.writeString(directory.resolve("bans"), "198.51.100.128/25\n203.0.113.8\n");
      IpSentry.Result imported =
          IpSentry.run(
              "import",
              "list",
              bans.toString(),
              "--for",
              "1h",
              "--reason",
              "old",
              "--config",
              config());
      assertThat(imported.out()).contains("banned 1, already banned 0, refused 1, left out 0");
      assertThat(imported.exitCode()).isEqualTo(1);
      soon("the imported").until(() -> node.isInSet("198.51.100.200"));

      restore(node, program, "nft", "nft", "-f");
      String sets = node.host().run("nft", "list", "table", "inet", "ip-sentry-export");
      assertThat(sets)
          .contains("203.0.113.2-203.0.113.7", "198.51.100.128/25", "2001:db8:bad::/48");
      restore(node, program, "ipset", "ipset", "restore", "-file");
      node.host().run("ipset", "test", "ip-sentry-export4", "203.0.113.9");
      node.host().run("ipset", "test", "ip-sentry-export6", "2001:db8:bad::9");
      Path denied = export(program, "nginx");
      Path config =
          Files.writeString(
              directory.resolve("nginx.conf"),
              """
              pid %1$s/nginx.pid;
              error_log stderr;
              events {}
              http { server { listen 127.0.0.1:8089; location / { include %2$s; } } }
              """
                  .formatted(directory, denied));
      node.host().run("nginx", "-t", "-c", config.toString());
      assertThat(Files.readString(denied)).contains("deny 198.51.100.128/25;\n");
    }
  }

  private Path export(RunningIpSentry program, String format) throws IOException {
    IpSentry.Result exported =
        program.command("export", "--format", format, "--feeds", "--config", config());
    assertThat(exported.exitCode()).as(exported.err()).isZero();
    return Files.writeString(directory.resolve("export." + format), exported.out());
  }

  /** Twice, as somebody does who exports again and again. */
  private void restore(Node node, RunningIpSentry program, String format, String... command)
      throws IOException {
    String file = export(program, format).toString();
    for (int i = 0; i < 2; i++) {
      List<String> all = new ArrayList<>(List.of(command));
      all.add(file);
      node.host().run(all.toArray(String[]::new));
    }
  }
}
