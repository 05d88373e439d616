package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The jails of {@code docs/examples/cluster/agent.yaml} on lines of a real API server, and others.
 */
@RequiresCluster
final class NodeJailsIT {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final Path EXAMPLE = Path.of("../docs/examples/cluster/agent.yaml");

  @TempDir private Path directory;

  /** The example without the cluster, whose certificates are not here. */
  private Path config() throws IOException {
    String yaml = Files.readString(EXAMPLE);
    return Files.writeString(
        directory.resolve("agent.yaml"), yaml.substring(0, yaml.indexOf("store:")));
  }

  private List<Map<String, String>> explained(String source, List<String> lines)
      throws IOException {
    Path log = Files.write(directory.resolve(source + ".log"), lines);
    IpSentry.Result result =
        IpSentry.run(
            "explain",
            "--config",
            config().toString(),
            "--source",
            source,
            "--show",
            "20",
            "-o",
            "json",
            log.toString());
    assertThat(result.exitCode()).as(result.err()).isZero();
    return result.json();
  }

  @Test
  void auditLog_badCredentials_areHitsOfTheAddressOfThePackets() throws IOException {
    TestCluster cluster = TestCluster.shared();
    String mark = "mark-" + System.nanoTime();
    String path = "/api/v1/namespaces/default/secrets?labelSelector=" + mark;
    Map<String, String> forged =
        Map.of(
            "X-Forwarded-For",
            "203.0.113.9",
            "X-Real-Ip",
            "203.0.113.10",
            "User-Agent",
            "a\",\"sourceIPs\":[\"203.0.113.66\"],\"code\":403},\"requestReceivedTimestamp\":\"x");
    // Nobody, with a forged way here; a token that is none.
    assertThat(cluster.ask(path, forged)).isEqualTo(403);
    assertThat(cluster.ask(path, Map.of("Authorization", "Bearer guessed-token"))).isEqualTo(401);
    // One who may, and one who is known and may not.
    String seen = cluster.kubectl().run("get", "secrets", "-l", mark, "-n", "default");
    assertThat(
            cluster
                .kubectl()
                .attempt("get", "secrets", "-l", mark, "-n", "default", "--as=somebody")
                .exitCode())
        .as(seen)
        .isNotZero();
    await("audited").atMost(SOON).until(() -> audited(cluster, mark).size() == 4);

    List<Map<String, String>> explained = explained("kube-api", audited(cluster, mark));

    assertThat(explained.getFirst()).containsEntry("matched", "2").containsEntry("missed", "2");
    assertThat(explained.stream().filter(line -> "matched".equals(line.get("kind"))))
        .hasSize(2)
        .allSatisfy(line -> {
          assertThat(line).containsEntry("client", "127.0.0.1").containsEntry("seen_as", "peer");
          assertThat(line.get("time")).startsWith("20");
        });
  }

  private static List<String> audited(TestCluster cluster, String mark) throws IOException {
    return Files.readAllLines(cluster.auditLog()).stream()
        .filter(line -> line.contains(mark))
        .toList();
  }

  @Test
  void hostAndPodLogs_failedLogins_areHits() throws IOException {
    List<Map<String, String>> ssh =
        explained(
            "sshd",
            List.of(
                "Nov 26 10:00:00 node1 sshd[812]: Failed password for root from 203.0.113.7 port"
                    + " 51234 ssh2",
                "Nov 26 10:00:01 node1 sshd[812]: Accepted publickey for ann from 198.51.100.2 port"
                    + " 51235 ssh2"));
    assertThat(ssh.getFirst()).containsEntry("matched", "1");
    assertThat(ssh.get(1)).containsEntry("client", "203.0.113.7").containsEntry("seen_as", "peer");

    // As httplog of k8s.io/apiserver 0.36 writes it, with what a client may put into its user
    // agent.
    String refused =
        " node1 k3s[812]: I1126 10:00:02.123456     812 httplog.go:134] \"HTTP\" verb=\"LIST\""
            + " URI=\"/api/v1/secrets\" latency=\"215.4us\""
            + " userAgent=\"a srcIP=\\\"203.0.113.66:1\\\" resp=401\" audit-ID=\"0c1f\""
            + " srcIP=\"%s:51234\" resp=%d";
    List<Map<String, String>> k3s =
        explained(
            "k3s",
            List.of(
                "Nov 26 10:00:02" + refused.formatted("203.0.113.8", 401),
                "2026-11-26T10:00:03.123456+00:00" + refused.formatted("[2001:db8::8]", 401),
                "2026-11-26T10:00:04.123456+00:00" + refused.formatted("203.0.113.9", 403)));
    assertThat(k3s.getFirst()).containsEntry("matched", "2");
    assertThat(k3s.get(1)).containsEntry("client", "203.0.113.8").containsKey("time");
    assertThat(k3s.get(1).get("time")).contains("-11-26T10:00:02");
    assertThat(k3s.get(2))
        .containsEntry("client", "2001:db8::8")
        .containsEntry("time", "2026-11-26T10:00:03.123Z");

    List<Map<String, String>> crm =
        explained(
            "crm",
            List.of(
                "2026-11-26T10:00:00.123456789Z stdout F crm_auth_failure ip=203.0.113.20"
                    + " provider=credentials code=PASSWORD_INVALID",
                "2026-11-26T10:00:01.123456789Z stdout F crm_auth_success ip=203.0.113.21"));
    assertThat(crm.getFirst()).containsEntry("matched", "1").containsEntry("wrapper", "cri");
    assertThat(crm.get(1))
        .containsEntry("client", "203.0.113.20")
        .containsEntry("time", "2026-11-26T10:00:00.123Z");
  }
}
