package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.authz.admin.AdminCallers;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.authz.admin.AdminTcp;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.cli.CommandRun.Said;
import io.ipsentry.config.AdminConfig.AdminToken;
import io.ipsentry.proto.v1.GetStatusResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Operator commands over TCP, and what is said when that does not work. */
final class ServerOptionsTest {
  private static final String TOKEN = "correct-horse-battery";

  private final Path directory;
  private final CommandRun commands;
  private final InMemoryBanLog log = new InMemoryBanLog();
  private final AdminServer server;
  private String address = "";

  ServerOptionsTest(@TempDir Path directory) throws IOException {
    this.directory = directory;
    commands = new CommandRun(directory);
    commands.environment.put(
        "IP_SENTRY_CONFIG", Files.createFile(directory.resolve("empty.yaml")).toString());
    LogBanOperations operations =
        new LogBanOperations(
            log,
            log,
            new BanWriter(log, new ActiveBans(), commands.now::get, event -> {}),
            () -> ProtectedPrefixes.of(List.of()),
            commands.now::get);
    AdminCallers callers = new AdminCallers(List.of(new AdminToken("ops", TOKEN)), false);
    server =
        AdminServer.builder(operations, GetStatusResponse::getDefaultInstance)
            .tcp(
                new AdminTcp(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                    Optional.empty(),
                    () -> callers))
            .start(directory.resolve("admin.sock"));
  }

  @BeforeEach
  void address() {
    address = "127.0.0.1:" + server.port();
  }

  @AfterEach
  void close() {
    server.close();
    log.close();
  }

  private String tokenFile(String token) throws IOException {
    return Files.writeString(directory.resolve("token"), token + "\n").toString();
  }

  @Test
  void command_tokenFromVariable_actsUnderItsName() throws IOException {
    commands.environment.put("IP_SENTRY_TOKEN_FILE", tokenFile(TOKEN));

    assertThat(commands.run("ban", "203.0.113.7", "--server", address, "--insecure"))
        .returns(0, Said::exitCode);
    Said listed = commands.run("list", "--server", address, "--insecure", "-o", "json");

    assertThat(listed.exitCode()).isZero();
    assertThat(listed.out()).contains("203.0.113.7").contains("token:ops/cli:tester(1000)");
    assertThat(commands.run("status", "--server", address, "--insecure").out()).contains(address);
  }

  @Test
  void command_withoutToken_exits3AndSaysWhatToDo() {
    Said said = commands.run("list", "--server", address, "--insecure");

    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err()).contains(address).contains("--token-file");
  }

  @Test
  void command_wrongToken_exits3() throws IOException {
    Said said =
        commands.run(
            "list", "--server", address, "--insecure", "--token-file", tokenFile("a".repeat(20)));

    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err()).contains("none of admin.tokens");
  }

  @Test
  void command_tokenFileMissing_exits3AndNamesIt() {
    Said said =
        commands.run("list", "--server", address, "--insecure", "--token-file", "/nowhere/token");

    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err()).contains("/nowhere/token").contains("permissions");
  }

  @Test
  void command_tlsToPlaintextServer_saysSo() {
    Said said = commands.run("list", "--server", address);

    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err()).contains("does not speak TLS").contains("--insecure");
  }

  @Test
  void command_nobodyListens_exits3() {
    server.close();

    Said said = commands.run("list", "--server", address, "--insecure");

    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err()).contains(address).contains("nobody listens there");
  }

  @Test
  void command_optionsThatDoNotGoTogether_exit2() {
    assertWrong("--server", "sentry.example");
    assertWrong("--server", "2001:db8::1:9004");
    assertWrong("--server", "sentry.example:99999");
    assertWrong("--server", address, "--socket", "/x.sock");
    assertWrong("--server", address, "--store", "/x.db");
    assertWrong("--server", address, "--insecure", "--ca", "/ca.pem");
    assertWrong("--server", address, "--cert", "/cert.pem");
    assertWrong("--token-file", "/token");
    assertWrong("--insecure");
  }

  private void assertWrong(String... options) {
    String[] all = new String[options.length + 1];
    all[0] = "list";
    System.arraycopy(options, 0, all, 1, options.length);
    Said said = commands.run(all);
    assertThat(said.exitCode()).as(said.err()).isEqualTo(2);
  }
}
