package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.Protection;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.cli.CommandRun.Said;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.proto.v1.ConfigStatus;
import io.ipsentry.proto.v1.EngineStatus;
import io.ipsentry.proto.v1.FileStatus;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.LogStatus;
import io.ipsentry.proto.v1.RuleStatus;
import io.ipsentry.proto.v1.SourceStatus;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each operator command, on the store and through a running instance. */
final class OperatorCommandsTest {
  private final Path directory;
  private final CommandRun commands;
  private final Path store;
  private final Path socket;
  private final List<AutoCloseable> opened = new ArrayList<>();

  /** By which way a command reaches the log. */
  enum Via {
    STORE,
    SOCKET
  }

  OperatorCommandsTest(@TempDir Path directory) {
    this.directory = directory;
    commands = new CommandRun(directory);
    store = directory.resolve("store.db");
    socket = directory.resolve("admin.sock");
  }

  @BeforeEach
  void configure() throws IOException {
    Path config = directory.resolve("ip-sentry.yaml");
    Files.writeString(
        config,
        """
        neverBan: [198.18.0.0/15]
        store: { path: %s }
        admin: { socket: %s }
        """
            .formatted(store, socket));
    commands.environment.put("IP_SENTRY_CONFIG", config.toString());
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  private AdminServer serve(GetStatusResponse status) {
    LogBanOperations operations =
        LogBanOperations.owning(
            SqliteBanLog.open(store),
            ProtectedPrefixes.of(
                Stream.concat(
                        ProtectedPrefixes.reserved(true).stream(),
                        Stream.of(
                            ProtectedPrefixes.Part.of(
                                Protection.Kind.NEVER_BAN, PrefixSet.parse("198.18.0.0/15"))))
                    .toList()),
            commands.now::get);
    opened.add(operations);
    AdminServer server = AdminServer.builder(operations, () -> status).start(socket);
    opened.add(server);
    return server;
  }

  private static Timestamp time(Instant time) {
    return WireMessages.toProto(time);
  }

  private void reach(Via via) {
    if (via == Via.SOCKET) {
      serve(GetStatusResponse.getDefaultInstance());
    }
  }

  @ParameterizedTest
  @EnumSource
  void session_banExtendAllowUnban_saysWhatHappens(Via via) {
    reach(via);
    assertThat(commands.run("ban", "203.0.113.7", "--for", "1h", "--reason", "noise"))
        .isEqualTo(new Said(0, "banned 203.0.113.7 until 2026-11-21 08:00:00Z\n", ""));
    assertThat(commands.run("ban", "203.0.113.7"))
        .isEqualTo(
            new Said(
                0,
                "extended the ban of 203.0.113.7: now until 2026-11-22 07:00:00Z, before until"
                    + " 2026-11-21 08:00:00Z\n",
                ""));
    assertThat(commands.run("ban", "203.0.113.7", "--for", "30m"))
        .isEqualTo(
            new Said(
                0,
                "203.0.113.7 is already banned until 2026-11-22 07:00:00Z; nothing changed (a ban"
                    + " is not shortened; unban it first)\n",
                ""));
    assertThat(commands.run("allow", "203.0.113.0/24", "--reason", "office"))
        .isEqualTo(
            new Said(
                0,
                "allowed 203.0.113.0/24\nthe ban of 203.0.113.7 stays in the log, but has no force"
                    + " where it is allowed\n",
                ""));
    assertThat(commands.run("get", "203.0.113.7"))
        .isEqualTo(
            new Said(
                1,
                """
                203.0.113.7 is not banned
                  ban of 203.0.113.7, until 2026-11-22 07:00:00Z (1d left), without force
                    since 2026-11-21 07:00:00Z, rule manual, offence 1, seen as manual, by cli:tester(1000)
                  allowed by 203.0.113.0/24, permanent, since 2026-11-21 07:00:00Z, by cli:tester(1000): office
                """,
                ""));
    assertThat(commands.run("disallow", "203.0.113.0/24"))
        .isEqualTo(
            new Said(0, "disallowed 203.0.113.0/24; the ban of 203.0.113.7 has force again\n", ""));
    assertThat(commands.run("get", "203.0.113.7")).returns(0, Said::exitCode);
    assertThat(commands.run("unban", "203.0.113.7"))
        .isEqualTo(new Said(0, "unbanned 203.0.113.7\n", ""));
    assertThat(commands.run("unban", "203.0.113.7"))
        .isEqualTo(new Said(1, "", "ip-sentry: 203.0.113.7 is not banned\n"));
    assertThat(commands.run("disallow", "203.0.113.9"))
        .isEqualTo(new Said(1, "", "ip-sentry: 203.0.113.9 is not on the allowlist\n"));
  }

  @ParameterizedTest
  @EnumSource
  void ban_protected_isRefusedWithReasonAndExitCode1(Via via) {
    reach(via);
    Said said = commands.run("ban", "10.1.2.3", "198.18.0.1", "203.0.113.7");

    assertThat(said.exitCode()).isEqualTo(1);
    assertThat(said.err())
        .contains("10.1.2.3 was not banned: private network 10.0.0.0/8 is never banned")
        .contains("198.18.0.1 was not banned: neverBan in the configuration 198.18.0.0/15");
    assertThat(said.out()).startsWith("banned 203.0.113.7 ");
  }

  @ParameterizedTest
  @EnumSource
  void unban_coveredByPrefix_tellsThePrefix(Via via) {
    reach(via);
    commands.run("ban", "203.0.113.0/24");

    assertThat(commands.run("unban", "203.0.113.7"))
        .isEqualTo(
            new Said(
                1,
                "",
                "ip-sentry: 203.0.113.7 is not banned itself, but by 203.0.113.0/24; unban that, or"
                    + " allow the address: ip-sentry allow 203.0.113.7\n"));
  }

  @ParameterizedTest
  @EnumSource
  void json_ofEachCommand_isOneObjectALine(Via via) {
    reach(via);
    assertThat(commands.run("ban", "203.0.113.7", "--for", "permanent", "-o", "json").out())
        .isEqualTo(
            "{\"result\":\"banned\",\"ip\":\"203.0.113.7\",\"banned_at\":\"2026-11-21T07:00:00.000Z\",\"expires_at\":null,\"rule\":\"manual\",\"reason\":\"\",\"hit_count\":0,\"seen_as\":\"manual\",\"by\":\"cli:tester(1000)\",\"offence\":1,\"seq\":1,\"in_force\":true}\n");
    assertThat(commands.run("list", "-o", "json").out())
        .isEqualTo(
            "{\"ip\":\"203.0.113.7\",\"banned_at\":\"2026-11-21T07:00:00.000Z\",\"expires_at\":null,\"rule\":\"manual\",\"reason\":\"\",\"hit_count\":0,\"seen_as\":\"manual\",\"by\":\"cli:tester(1000)\",\"offence\":1,\"seq\":1,\"in_force\":true}\n");
    assertThat(commands.run("history", "-o", "json").out())
        .isEqualTo(
            "{\"seq\":1,\"at\":\"2026-11-21T07:00:00.000Z\",\"type\":\"ban\",\"ip\":\"203.0.113.7\",\"until\":null,\"rule\":\"manual\",\"reason\":\"\",\"hits\":0,\"seen_as\":\"manual\",\"by\":\"cli:tester(1000)\"}\n");
    assertThat(commands.run("ban", "10.0.0.1", "-o", "json").out())
        .isEqualTo(
            "{\"result\":\"refused\",\"ip\":\"10.0.0.1\",\"kind\":\"private-network\","
                + "\"prefix\":\"10.0.0.0/8\",\"description\":\"private network 10.0.0.0/8\"}\n");
    assertThat(commands.run("unban", "203.0.113.7", "-o", "json").out())
        .isEqualTo(
            "{\"result\":\"unbanned\",\"ip\":\"203.0.113.7\",\"seq\":2,\"still_covered_by\":[]}\n");
    assertThat(commands.run("unban", "203.0.113.7", "-o", "json").out())
        .isEqualTo("{\"result\":\"not_banned\",\"ip\":\"203.0.113.7\",\"covered_by\":[]}\n");
    assertThat(commands.run("get", "203.0.113.7", "-o", "json").out())
        .isEqualTo(
            "{\"ip\":\"203.0.113.7\",\"banned\":false,\"bans\":[],\"allowed_by\":[],"
                + "\"held_by\":[],\"unread_feeds\":[]}\n");
  }

  @ParameterizedTest
  @EnumSource
  void list_atTimeInThePast_showsWhatWas(Via via) {
    reach(via);
    commands.run("ban", "203.0.113.7", "--for", "1h");
    commands.now.updateAndGet(now -> now.plus(Duration.ofHours(3)));
    commands.run("ban", "203.0.113.8", "--for", "1h");

    assertThat(commands.run("list").out()).contains("203.0.113.8").doesNotContain("203.0.113.7");
    for (String at : List.of("2026-11-21T07:30:00Z", "2026-11-21 07:30", "150m")) {
      assertThat(commands.run("list", "--at", at).out())
          .contains("203.0.113.7")
          .doesNotContain("203.0.113.8");
    }
    assertThat(commands.run("list", "--at", "soon")).returns(2, Said::exitCode);
  }

  @ParameterizedTest
  @EnumSource
  void watch_fromNumber_printsEventsAndStopsAtLimit(Via via) {
    reach(via);
    commands.run("ban", "203.0.113.7");
    commands.run("unban", "203.0.113.7");

    Said said = commands.run("watch", "--from", "1", "--limit", "2", "-o", "json");

    assertThat(said.exitCode()).isZero();
    assertThat(said.outLines())
        .hasSize(2)
        .first()
        .asString()
        .startsWith("{\"seq\":1,")
        .contains("\"type\":\"ban\"");
  }

  @Test
  void list_onTerminal_fitsItsWidth() {
    commands.run("ban", "203.0.113.7", "--reason", "a very long reason ".repeat(10));
    commands.run("ban", "2001:db8:1234:5678:9abc:def0:1234:5678", "--for", "90m");
    commands.environment.put("NO_COLOR", "1");

    assertThat(commands.withTerminal(80).run("list").out())
        .isEqualTo(
            """
            IP                                      LEFT    BANNED AT             RULE    H…
            203.0.113.7                             1d      2026-11-21 07:00:00Z  manual   …
            2001:db8:1234:5678:9abc:def0:1234:5678  1h 30m  2026-11-21 07:00:00Z  manual   …
            """);
    assertThat(commands.withTerminal(120).run("list").outLines())
        .allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(120));
    assertThat(commands.withTerminal(0).run("list").out())
        .contains("a very long reason ".repeat(10).strip());
  }

  @Test
  void list_onTerminal_isColouredUnlessNobodyWantsIt() {
    commands.run("ban", "203.0.113.7");
    assertThat(commands.withTerminal(100).run("list").out()).contains("\u001b[1m");
    commands.environment.put("NO_COLOR", "1");
    assertThat(commands.withTerminal(100).run("list").out()).doesNotContain("\u001b");
    commands.environment.clear();
  }

  @Test
  void list_reasonWithEscapeSequence_isMadePrintable() {
    commands.run("ban", "203.0.113.7", "--reason", "\u001b[31mred\nforged line");

    assertThat(commands.run("list").outLines()).hasSize(2);
    assertThat(commands.run("list").out()).contains("\\x1b[31mred\\x0aforged line");
  }

  @Test
  void command_noStoreAndNoInstance_exits3AndSaysHowToMend() {
    Said said = commands.run("list");

    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err())
        .contains(store.toString())
        .contains(socket.toString())
        .contains("start ip-sentry run");
    assertThat(said.err().lines()).hasSize(1);
  }

  @Test
  void command_storeIsNoStore_exits3WithoutStackTrace() throws IOException {
    Files.writeString(
        store, "this is no database, but it is long enough to look like one".repeat(50));

    Said said = commands.run("list");

    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err()).contains(store.toString()).doesNotContain("\tat ");
  }

  @Test
  void command_instanceGoesAway_exits3() {
    AdminServer server = serve(GetStatusResponse.getDefaultInstance());
    assertThat(commands.run("ban", "203.0.113.7")).returns(0, Said::exitCode);
    server.close();

    Said said = commands.run("list", "--socket", socket.toString());

    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err()).contains("nobody answers on " + socket);
  }

  @Test
  void watch_instanceStops_exits3() throws InterruptedException {
    AdminServer server = serve(GetStatusResponse.getDefaultInstance());
    commands.run("ban", "203.0.113.7");
    AtomicReference<Said> said = new AtomicReference<>();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Thread watch =
        Thread.ofVirtual()
            .start(() -> {
              ByteArrayOutputStream err = new ByteArrayOutputStream();
              int exitCode =
                  Commands.run(
                      new String[] {"watch", "--from", "1"},
                      commands.shell(
                          new PrintStream(out, true, StandardCharsets.UTF_8),
                          new PrintStream(err, true, StandardCharsets.UTF_8)));
              said.set(new Said(exitCode, "", err.toString(StandardCharsets.UTF_8)));
            });
    Awaitility.await().until(() -> out.size() > 0);

    server.close();
    watch.join(Duration.ofSeconds(20));

    assertThat(said.get()).returns(3, Said::exitCode);
    assertThat(said.get().err()).contains("stopping");
  }

  @Test
  void status_notRunning_showsTheStoreAndExits1() {
    commands.run("ban", "203.0.113.7");

    assertThat(commands.run("status"))
        .isEqualTo(
            new Said(
                1,
                "ip-sentry  not running\nstore      " + store + ", 1 event, 1 ban, 0 allowed\n",
                ""));
    assertThat(commands.run("status", "--store", store.toString())).returns(0, Said::exitCode);
    assertThat(commands.run("status", "-o", "json").out())
        .isEqualTo(
            "{\"running\":false,\"log\":{\"store\":\""
                + store
                + "\",\"head\":1,\"active_bans\":1,\"allowed\":0}}\n");
  }

  @Test
  void status_running_showsSourcesAndRules() {
    GetStatusResponse status =
        GetStatusResponse.newBuilder()
            .setVersion("1.2.3")
            .setStartedAt(time(CommandRun.START.minusSeconds(90)))
            .setLog(LogStatus.newBuilder().setHead(7).setActiveBans(2).setStore("/s.db"))
            .setConfig(
                ConfigStatus.newBuilder()
                    .setFile("/c.yaml")
                    .setLoadedAt(time(CommandRun.START.minusSeconds(30))))
            .setEngine(
                EngineStatus.newBuilder()
                    .setTrackedAddresses(5)
                    .setTrackedBytes(1536)
                    .setMaxTrackedBytes(64 << 20))
            .addSources(
                SourceStatus.newBuilder()
                    .setName("nginx")
                    .setFormat("combined")
                    .setLines(1000)
                    .setMissed(3)
                    .setLinesPerSecond(12.34)
                    .addFiles(
                        FileStatus.newBuilder()
                            .setPath("/var/log/nginx/access.log")
                            .setPosition(50)
                            .setSize(100)))
            .addRules(RuleStatus.newBuilder().setName("probing").setHits(9).setBans(2))
            .build();
    serve(status);

    Said said = commands.run("status");

    assertThat(said.exitCode()).isZero();
    assertThat(said.out())
        .isEqualTo(
            """
            ip-sentry  1.2.3, running for 1m 30s, admin API %s
            store      /s.db, 7 events, 2 bans, 0 allowed
            config     /c.yaml, loaded 30s ago
            tracked    5 addresses, 1.5 KiB of 64.0 MiB

            SOURCE  FILE                       FORMAT    LINES  MISSED  LINES/S  READ  LAG  PROBLEM
            nginx                              combined   1000       3     12.3
                    /var/log/nginx/access.log                                     50%%

            RULE     HITS  BANS  WAITING  REFUSED
            probing     9     2        0        0
            """
                .formatted(socket));
    assertThat(commands.run("status", "-o", "json").outLines())
        .singleElement()
        .asString()
        .startsWith("{\"running\":true,\"version\":\"1.2.3\"");
  }
}
