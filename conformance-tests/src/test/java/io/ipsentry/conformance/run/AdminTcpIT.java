package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.Gateways;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.CertificateAuthority.Issued;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The admin API of a {@code run} over TCP with TLS: operator commands by {@code --server}, and an
 * {@code authz-server} that follows and reports.
 */
@RequiresProgram("openssl")
final class AdminTcpIT {
  private static final Duration PATIENCE = RunningIpSentry.PATIENCE;
  private static final String BANNED = "203.0.113.7";
  private static final String PROBER = "203.0.113.8";
  private static final String OTHER = "203.0.113.9";
  private static final String TOKEN = "0123456789abcdef-node-1";
  private static final String RULES =
      """
      rules:
        - name: probing
          on: request
          match: { paths: ['^/\\.env'] }
          threshold: 3
          window: 10m
          ban: 24h
      """;

  private final int port = Gateways.freePort();
  private final List<AutoCloseable> opened = new ArrayList<>();
  @TempDir Path directory;

  /** What callers show. */
  enum Proof {
    CERTIFICATE,
    TOKEN
  }

  /**
   * What a proof needs on both sides.
   *
   * @param admin further keys of {@code admin}
   * @param stranger options of a caller that trusts the server and shows nothing
   * @param known options of one that shows its proof
   * @param author how its events begin
   */
  private record Setting(String admin, List<String> stranger, List<String> known, String author) {}

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  private Setting setting(Proof proof) throws IOException {
    CertificateAuthority authority = CertificateAuthority.create(directory, "ca");
    Issued server = authority.issue("owner", "IP:127.0.0.1");
    List<String> stranger =
        List.of("--server", "127.0.0.1:" + port, "--ca", authority.certificate().toString());
    String tls =
        "listen: \"127.0.0.1:%d\"\ntls: { certificate: %s, key: %s%s }\n"
            .formatted(
                port,
                server.certificate(),
                server.key(),
                proof == Proof.CERTIFICATE ? ", clientCa: " + authority.certificate() : "");
    return switch (proof) {
      case CERTIFICATE -> {
        Issued client = authority.issue("node-1", "DNS:node-1.example");
        yield new Setting(
            tls,
            stranger,
            with(stranger, "--cert", client.certificate().toString(), "--key", client.key() + ""),
            "cert:node-1.example/");
      }
      case TOKEN -> {
        Path token = Files.writeString(directory.resolve("token"), TOKEN + "\n");
        yield new Setting(
            tls + "tokens: [{ name: node-1, file: %s }]\n".formatted(token),
            stranger,
            with(stranger, "--token-file", token.toString()),
            "token:node-1/");
      }
    };
  }

  private static List<String> with(List<String> options, String... more) {
    return Stream.concat(options.stream(), Stream.of(more)).toList();
  }

  private static IpSentry.Result command(List<String> options, String... command) {
    return IpSentry.run(Stream.concat(Stream.of(command), options.stream()).toArray(String[]::new));
  }

  @ParameterizedTest
  @EnumSource
  void followerAndCommands_overTcp_actAsOnTheSocket(Proof proof) throws IOException {
    Setting setting = setting(proof);
    Path log = Files.createFile(directory.resolve("access.log"));
    RunningIpSentry owner =
        RunningIpSentry.start(
            directory, "sources: [{ file: %s }]\n".formatted(log) + RULES, setting.admin());
    opened.add(owner);
    IpSentry.Result refused = command(setting.stranger(), "ban", OTHER);
    assertThat(refused.exitCode()).isEqualTo(3);
    assertThat(refused.err()).contains("does not know you");
    RunningAuthzServer server =
        RunningAuthzServer.start(
            Files.createDirectory(directory.resolve("authz")), setting.known(), RULES);
    opened.add(server);

    assertThat(command(setting.known(), "ban", BANNED).exitCode()).isZero();
    await().atMost(PATIENCE).until(() -> server.ask(BANNED, "/") == 403);
    for (int i = 0; i < 2; i++) {
      assertThat(server.ask(PROBER, "/.env")).isEqualTo(200);
    }
    assertThat(server.ask(PROBER, "/.env")).isEqualTo(403);
    await().atMost(PATIENCE).until(() -> command(setting.known(), "get", PROBER).exitCode() == 0);

    assertThat(server.ask(OTHER, "/")).isEqualTo(200);
    assertThat(owner.history())
        .satisfiesExactly(
            ban -> assertThat(ban).containsEntry("ip", PROBER).containsEntry("hits", "3"),
            ban -> {
              assertThat(ban).containsEntry("ip", BANNED);
              assertThat(ban.get("by")).startsWith(setting.author());
            });
    assertThat(command(setting.known(), "status").out()).contains(owner.socket().getParent() + "");
    assertThat(owner.metric("ip_sentry_admin_refused_calls_total").orElse(0)).isPositive();
    assertThat(owner.metric("ip_sentry_reported_hits_total")).hasValue(3);
  }
}
