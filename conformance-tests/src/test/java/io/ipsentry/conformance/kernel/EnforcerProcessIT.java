package io.ipsentry.conformance.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.gateway.Nginx;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningEnforcer;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code run} and {@code enforcer} as processes, a real nginx, and a real kernel. */
@RequiresRoot
@RequiresProgram({"nginx", "ip", "ipset", "iptables-legacy", "curl"})
final class EnforcerProcessIT {
  private static final String CLIENT = "203.0.113.7";
  private static final String CLIENT6 = "2001:db8:2::7";
  private static final String OTHER = "203.0.113.8";
  private static final String NO_SOURCES =
      """
      trustedProxies: []
      authz: { http: "127.0.0.1:0" }
      """;

  @TempDir private Path directory;

  private static ConditionFactory soon(String what) {
    return await(what).atMost(RunningIpSentry.PATIENCE).pollDelay(Duration.ZERO);
  }

  private static Nginx nginx(Node node, Path directory) throws IOException {
    return Nginx.start(
        node.host()::command,
        directory,
        List.of(Node.ADDRESS + ":8080", "[" + Node.ADDRESS6 + "]:8080"),
        "");
  }

  private static void probe(Node node, String client, int times) {
    String target = client.contains(":") ? "[" + Node.ADDRESS6 + "]" : Node.ADDRESS;
    for (int i = 0; i < times; i++) {
      node.world()
          .run(
              "sh",
              "-c",
              "curl --silent --output /dev/null --max-time 1 --interface "
                  + client
                  + " http://"
                  + target
                  + ":8080/.env || true");
    }
  }

  private static String status(RunningIpSentry program) {
    return program.command("status", "-o", "json").out();
  }

  @Test
  void run_withEnforcer_dropsAProberAndRepairsWhatOthersChange() throws IOException {
    try (Node node = new Node();
        Nginx nginx = nginx(node, directory);
        RunningIpSentry program =
            RunningIpSentry.startIn(
                node.host()::command,
                directory,
                """
                sources:
                  - file: %s
                    format: combined
                rules:
                  - name: probing
                    match: { packs: [default] }
                    threshold: 3
                    ban: 1h
                trustedProxies: []
                enforcer: { backend: ipset, interval: 1s }
                """
                    .formatted(nginx.accessLog()))) {
      assertThat(node.isReachable(CLIENT)).isTrue();
      assertThat(node.isReachable(CLIENT6)).isTrue();

      probe(node, CLIENT, 3);
      probe(node, CLIENT6, 3);

      soon("dropped").until(() -> !node.isReachable(CLIENT) && !node.isReachable(CLIENT6));
      assertThat(node.isReachable(OTHER)).isTrue();
      soon("counted").until(() -> status(program).contains("\"enforced\":2"));
      assertThat(status(program)).contains("\"decided\":2", "\"failure\":\"\"");
      assertThat(program.command("doctor").out())
          .contains("enforcer: 2 of 2 in the kernel (ipset)");

      damage(node, "iptables-legacy -t raw -D PREROUTING -j IP-BLOCKER");
      damage(node, "iptables-legacy -t raw -F");
      damage(node, "ipset flush ip-blocker-4");
      damage(node, "iptables-legacy -t raw -F && ipset destroy ip-blocker-4");
      assertThat(program.log()).contains("the kernel was not as it should be");
      assertThat(program.log()).contains("rules and sets were made");
      soon("reported").until(() -> !status(program).contains("\"mended\":0,"));

      assertThat(program.command("unban", CLIENT).exitCode()).isZero();
      soon("let in").until(() -> node.isReachable(CLIENT));
      assertThat(node.isReachable(CLIENT6)).isFalse();
      assertThat(program.stop()).isZero();
      assertThat(node.isReachable(CLIENT6)).as("bans stay in the kernel").isFalse();
    }
  }

  @Test
  void run_packetsPassTheRulesBy_countsLeaksAndACanaryArrives() throws IOException {
    try (Node node = new Node();
        Nginx nginx = nginx(node, directory);
        RunningIpSentry program =
            RunningIpSentry.startIn(
                node.host()::command,
                directory,
                """
                sources:
                  - file: %s
                    format: combined
                rules:
                  - name: probing
                    match: { packs: [default] }
                    threshold: 3
                    ban: 1h
                trustedProxies: []
                enforcer: { backend: ipset, interval: 1h }
                """
                    .formatted(nginx.accessLog()))) {
      probe(node, CLIENT, 3);
      soon("dropped").until(() -> !node.isReachable(CLIENT));
      assertThat(status(program)).contains("\"leaked_lines\":0");

      node.host()
          .run("iptables-legacy", "-t", "raw", "-I", "PREROUTING", "-s", CLIENT, "-j", "ACCEPT");

      soon("leaks")
          .until(() -> {
            probe(node, CLIENT, 1);
            return !status(program).contains("\"leaked_lines\":0");
          });
      List<String> doctor =
          IpSentry.command(
              List.of("doctor", "--canary", "-c", directory.resolve("config.yaml").toString()));
      assertThat(node.host().run("sh", "-c", String.join(" ", doctor) + " || true"))
          .contains(
              "requests came through although their address had been in the kernel",
              "canary: the log has the ban of 192.0.2.254 as event",
              "canary: the enforcer has applied it",
              "canary: the kernel has it",
              "canary: it was taken back");
      assertThat(node.isInSet("192.0.2.254")).isFalse();
    }
  }

  /** Of 502 bans of addresses behind a proxy, the newest 500 are looked for in headers. */
  @Test
  void run_forwardedForPorts_dropsWhoeverIsBannedBehindAProxyAndSaysWhatItCannot()
      throws IOException {
    String list =
        IntStream.range(0, 501)
            .mapToObj(i -> "198.51.%d.%d".formatted(100 + i / 250, i % 250 + 1))
            .collect(Collectors.joining(", "));
    try (Node node = new Node();
        Nginx _ = nginx(node, directory);
        RunningIpSentry program =
            RunningIpSentry.startIn(
                node.host()::command,
                directory,
                NO_SOURCES
                    + """
                    alwaysBan: [%s]
                    enforcer: { forwardedForPorts: 8080, interval: 1h }
                    """
                        .formatted(list))) {
      assertThat(isAnswered(node, "192.0.2.77")).isTrue();

      assertThat(program.command("ban", "192.0.2.77", "--for", "1h").exitCode()).isZero();

      soon("dropped").until(() -> !isAnswered(node, "192.0.2.77"));
      assertThat(isAnswered(node, "192.0.2.7")).isTrue();
      soon("counted").until(() -> status(program).contains("\"headers_left_out\":2"));
      assertThat(program.command("status").out())
          .contains("2 bans are not looked for in X-Forwarded-For, only the newest 500");
      assertThat(program.command("doctor").out())
          .contains("2 bans are not looked for in X-Forwarded-For", "have the gateway ask");
      assertThat(program.command("unban", "192.0.2.77").exitCode()).isZero();
      soon("let in").until(() -> isAnswered(node, "192.0.2.77"));
    }
  }

  /** Whether a proxy gets an answer to a request that it forwards for somebody. */
  private static boolean isAnswered(Node node, String client) {
    String curl =
        "curl --silent --output /dev/null --max-time 1 --interface "
            + OTHER
            + " --header 'X-Forwarded-For: "
            + client
            + "' http://"
            + Node.ADDRESS
            + ":8080/ && echo answered || true";
    return node.world().run("sh", "-c", curl).contains("answered");
  }

  @Test
  void enforcer_noInterfaceIsUp_enforcesAndSaysSo() throws Exception {
    Path own = Files.createDirectory(directory.resolve("enforcer"));
    try (NetworkNamespace bare = NetworkNamespace.create("bare");
        RunningIpSentry owner = RunningIpSentry.start(directory, NO_SOURCES)) {
      bare.run("ip", "link", "set", "lo", "down");
      assertThat(owner.command("ban", CLIENT, "--for", "1h").exitCode()).isZero();
      try (RunningEnforcer enforcer =
          RunningEnforcer.launch(
              bare, own, owner.socket(), "enforcer: {}\nmetrics: { listen: \"off\" }\n")) {
        soon("enforced").until(() -> enforcer.log().contains("the kernel enforces the bans"));
        assertThat(enforcer.log()).contains("no network interface of this host has an address");
        assertThat(bare.run("ipset", "list", "ip-blocker-4")).contains(CLIENT);
        assertThat(enforcer.stop()).isZero();
      }
    }
  }

  private static void damage(Node node, String command) {
    node.host().run("sh", "-c", command);
    soon("repaired after: " + command)
        .until(() -> node.isInSet(CLIENT) && !node.isReachable(CLIENT));
  }

  @Test
  void enforcer_ofAnotherProcess_survivesItsOwnerAndItsOwnEnd() throws Exception {
    Path own = Files.createDirectory(directory.resolve("enforcer"));
    try (Node node = new Node();
        Nginx _ = nginx(node, directory);
        RunningIpSentry owner = RunningIpSentry.start(directory, NO_SOURCES)) {
      assertThat(owner.command("ban", CLIENT, "--for", "1h").exitCode()).isZero();
      try (RunningEnforcer enforcer =
          RunningEnforcer.launch(
              node.host(), own, owner.socket(), "enforcer: { interval: 1s }\n")) {
        soon("dropped").until(() -> !node.isReachable(CLIENT));
        assertSecondIsRefused(node, own, owner);
        // The node's own address lies in this prefix, and is spared; the owner lives elsewhere.
        assertThat(owner.command("ban", "203.0.113.0/28", "--for", "15s").exitCode()).isZero();
        soon("all of the prefix").until(() -> !node.isReachable("203.0.113.9"));
        assertThat(node.isInSet(Node.ADDRESS)).isFalse();
        assertThat(node.isReachable(OTHER)).isFalse();

        owner.kill();
        node.host().run("ipset", "flush", "ip-blocker-4");

        soon("repaired without the owner").until(() -> !node.isReachable(CLIENT));
        enforcer.kill();
        assertThat(node.isReachable(CLIENT)).isFalse();
        soon("ends without anybody").until(() -> node.isReachable(OTHER));
        assertThat(node.isReachable(CLIENT)).isFalse();
      }
      owner.start();
      try (RunningEnforcer again =
          RunningEnforcer.launch(
              node.host(),
              own,
              List.of(
                  "--socket",
                  owner.socket().toString(),
                  "--checkpoints",
                  own.resolve("agent.db").toString()),
              "enforcer: { interval: 1s, onExit: flush, agent: true }\n"
                  + "sources: [{ file: %s/node.log, format: common, reader: agent, startAt: beginning }]%n"
                      .formatted(own))) {
        soon("adopted").until(() -> again.log().contains("the kernel enforces the bans"));
        assertThat(node.isReachable(CLIENT)).isFalse();
        assertThat(owner.command("unban", CLIENT).exitCode()).isZero();
        soon("let in").until(() -> node.isReachable(CLIENT));
        assertThat(node.isReachable(OTHER)).isTrue();
        String probe =
            "%s stdout F %s - - [26/Nov/2026:10:00:00 +0000] \"GET /.env HTTP/1.1\" 404 1%n"
                .formatted(Instant.now(), OTHER);
        Path ignored = Files.writeString(own.resolve("node.log"), probe.repeat(3));
        soon("banned by the node's own log").until(() -> !node.isReachable(OTHER));
        assertThat(again.stop()).isZero();
        assertThat(node.host().run("ipset", "list", "-name")).isEmpty();
        assertThat(node.host().run("iptables-legacy-save", "-t", "raw"))
            .doesNotContain("IP-BLOCKER");
      }
    }
  }

  private static void assertSecondIsRefused(Node node, Path own, RunningIpSentry owner)
      throws Exception {
    Path other = Files.createDirectory(own.resolve("second"));
    try (RunningEnforcer second =
        RunningEnforcer.launch(
            node.host(), other, owner.socket(), "enforcer: { interval: 1s }\n")) {
      assertThat(second.awaitEnd()).isEqualTo(3);
      assertThat(second.log()).contains("enforces on this host without an enforcer.name");
    }
  }

  @Test
  void enforcer_reloaded_exchangesTheRulesAndKeepsTheSets() throws Exception {
    Path own = Files.createDirectory(directory.resolve("enforcer"));
    try (Node node = new Node();
        Nginx _ = nginx(node, directory);
        RunningIpSentry owner = RunningIpSentry.start(directory, NO_SOURCES)) {
      assertThat(owner.command("ban", CLIENT, "--for", "1h").exitCode()).isZero();
      String config = "enforcer: { hook: filter, ports: %s, interval: 1h }\n";
      try (RunningEnforcer enforcer =
          RunningEnforcer.launch(node.host(), own, owner.socket(), config.formatted("[9999]"))) {
        soon("in the set").until(() -> node.isInSet(CLIENT));
        // One of them is only there when the first read-back has ended.
        soon("described").untilAsserted(() -> assertMetricsAreDescribed(node));
        assertThat(node.isReachable(CLIENT)).as("another port").isTrue();

        Files.writeString(
            own.resolve("enforcer.yaml"),
            config.formatted("[8080]") + "metrics: { listen: \"127.0.0.1:9003\" }\n");

        soon("dropped").until(() -> !node.isReachable(CLIENT));
        Files.writeString(
            own.resolve("enforcer.yaml"), "enforcer: { hook: raw, ports: [8080], interval: 1h }\n");
        soon("said").until(() -> enforcer.log().contains("\"key\":\"enforcer.hook\""));
        assertThat(node.isReachable(CLIENT)).isFalse();
      }
    }
  }

  /** What is shown of the kernel is what the documentation has, name by name. */
  private static void assertMetricsAreDescribed(Node node) throws IOException {
    String shown = node.host().run("curl", "--silent", "http://127.0.0.1:9003/metrics");
    String described =
        Files.readAllLines(Path.of("../docs/metrics.md")).stream()
            .filter(line -> line.startsWith("| `"))
            .collect(Collectors.joining());
    assertThat(names("`(ip_sentry_enforcer_\\w+)`", described))
        .isEqualTo(names("# TYPE (ip_sentry_enforcer_\\w+) ", shown))
        .hasSizeGreaterThan(15);
  }

  private static Set<String> names(String pattern, String text) {
    return Pattern.compile(pattern)
        .matcher(text)
        .results()
        .map(match -> match.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
