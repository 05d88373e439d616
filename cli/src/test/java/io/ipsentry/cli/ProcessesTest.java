package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.cli.CommandRun.Said;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The program as processes of their own: {@code run} with commands beside it, and what signals do.
 */
final class ProcessesTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("dd/MMM/uuuu:HH:mm:ss Z", Locale.ROOT);

  private final Path directory;
  private final Path config;
  private final Path store;
  private final Path socket;
  private final Path log;
  private final CommandRun commands;
  private final List<Process> processes = new ArrayList<>();

  ProcessesTest(@TempDir Path directory) throws IOException {
    this.directory = directory;
    config = directory.resolve("ip-sentry.yaml");
    store = directory.resolve("store.db");
    socket = directory.resolve("run").resolve("admin.sock");
    log = directory.resolve("access.log");
    Files.createFile(log);
    Files.writeString(
        config,
        """
        sources:
          - file: %s
            format: combined
        store: { path: %s }
        admin: { socket: %s }
        metrics: { listen: "127.0.0.1:0" }
        """
            .formatted(log, store, socket));
    commands = new CommandRun(directory);
    commands.environment.put("IP_SENTRY_CONFIG", config.toString());
  }

  @AfterEach
  void killAll() throws InterruptedException {
    for (Process process : processes) {
      process.destroyForcibly().waitFor();
    }
  }

  private Process start(String... args) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add("io.ipsentry.cli.Main");
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("IP_SENTRY_CONFIG", config.toString());
    builder.redirectError(directory.resolve("err" + processes.size()).toFile());
    builder.redirectOutput(directory.resolve("out" + processes.size()).toFile());
    Process process = builder.start();
    processes.add(process);
    return process;
  }

  private Process startRun() throws IOException {
    Process run = start("run");
    await()
        .atMost(PATIENCE)
        .until(() ->
            !run.isAlive()
                || commands.run("status", "--socket", socket.toString()).exitCode() == 0);
    assertThat(run.isAlive()).as(Files.readString(directory.resolve("err0"))).isTrue();
    return run;
  }

  private int exitCode(Process process) throws InterruptedException {
    assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  private void probe(String address) throws IOException {
    String stamp = STAMP.format(OffsetDateTime.now(ZoneOffset.UTC));
    for (String path : List.of("/.env", "/.git/config", "/.aws/credentials")) {
      Files.writeString(
          log,
          "%s - - [%s] \"GET %s HTTP/1.1\" 404 9 \"-\" \"x\"\n".formatted(address, stamp, path),
          StandardOpenOption.APPEND);
    }
  }

  private void awaitBan(String address) {
    // The clock of the test stands still, so ask for what is listed and not for what holds.
    await()
        .atMost(PATIENCE)
        .until(() -> commands.run("history", address).out().contains("  ban  "));
  }

  @Test
  void run_linesWritten_bansAreListedThroughTheSocket() throws Exception {
    Process run = startRun();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
        .isEqualTo("rw-------");
    assertThat(
            PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("run"))))
        .isEqualTo("rwx------");

    probe("203.0.113.7");
    awaitBan("203.0.113.7");

    assertThat(commands.run("get", "203.0.113.7").out()).contains("by watcher");
    // What a source says of itself may be a second old.
    await()
        .atMost(PATIENCE)
        .untilAsserted(() ->
            assertThat(commands.run("status", "-o", "json").out())
                .contains("\"running\":true")
                .contains("\"format\":\"combined\""));
    assertThat(commands.run("unban", "203.0.113.7")).returns(0, Said::exitCode);

    run.destroy();
    assertThat(exitCode(run)).isZero();
    assertThat(socket).doesNotExist();
    assertThat(commands.run("history").out()).contains("unban");
  }

  @Test
  void run_secondOnTheSameSocket_isRefusedWithExitCode3() throws Exception {
    startRun();
    Files.writeString(
        config,
        Files.readString(config).replace(store.toString(), directory.resolve("other.db") + ""));
    Process second = start("run");

    assertThat(exitCode(second)).isEqualTo(3);
    assertThat(Files.readString(directory.resolve("err1")))
        .contains("another ip-sentry is running");
  }

  @Test
  void run_secondOnTheSameStore_isRefusedWithExitCode3UntilTheFirstIsGone() throws Exception {
    Process first = startRun();
    Path link = Files.createSymbolicLink(directory.resolve("link.db"), store);
    for (Path name : List.of(store, link)) {
      Files.writeString(
          directory.resolve("second.yaml"),
          """
          sources: [{ file: %s, format: combined }]
          store: { path: %s }
          admin: { socket: %s }
          metrics: { listen: "127.0.0.1:0" }
          """
              .formatted(log, name, directory.resolve("second.sock")));
      Process second = start("run", "--config", directory.resolve("second.yaml").toString());

      assertThat(exitCode(second)).isEqualTo(3);
      assertThat(Files.readString(directory.resolve("err" + (processes.size() - 1))))
          .contains("another ip-sentry run (process " + first.pid() + ") works on the ban log")
          .contains(name.toString())
          .contains("stop that one, or give this one a store.path of its own");
    }
    assertThat(commands.run("ban", "203.0.113.7", "--store", store.toString()))
        .as("an operator command runs no sources")
        .returns(0, Said::exitCode);
    first.destroyForcibly().waitFor();

    Process next = start("run", "--config", directory.resolve("second.yaml").toString());
    await()
        .atMost(PATIENCE)
        .until(() ->
            !next.isAlive()
                || commands.run("status", "--socket", directory + "/second.sock").exitCode() == 0);
    assertThat(next.isAlive()).as("a killed process holds nothing").isTrue();
  }

  @Test
  void run_killed_commandsUseTheStoreAndTheNextStartTakesOver() throws Exception {
    Process run = startRun();
    assertThat(commands.run("ban", "203.0.113.7")).returns(0, Said::exitCode);
    run.destroyForcibly().waitFor();

    assertThat(socket).exists();
    assertThat(commands.run("list", "--socket", socket.toString())).returns(3, Said::exitCode);
    assertThat(commands.run("history").out()).contains("203.0.113.7");

    Process next = startRun();
    assertThat(commands.run("unban", "203.0.113.7")).returns(0, Said::exitCode);
    next.destroy();
    assertThat(exitCode(next)).isZero();
  }

  @Test
  void run_configurationMissing_exits3() throws Exception {
    Files.delete(config);
    assertThat(exitCode(start("run"))).isEqualTo(3);
  }

  @Test
  void ban_twoProcessesAtOnceOnOneStore_bothAreKept() throws Exception {
    List<String> first = new ArrayList<>(List.of("ban"));
    List<String> second = new ArrayList<>(List.of("ban"));
    for (int i = 0; i < 100; i++) {
      first.add("203.0.113." + i);
      second.add("198.51.100." + i);
    }
    Process one = start(first.toArray(String[]::new));
    Process other = start(second.toArray(String[]::new));

    assertThat(exitCode(one)).isZero();
    assertThat(exitCode(other)).isZero();
    try (SqliteBanLog banLog = SqliteBanLog.open(store)) {
      assertThat(banLog.head()).isEqualTo(200);
      assertThat(banLog.read(1, 1_000)).extracting(event -> event.seq()).doesNotHaveDuplicates();
    }
  }

  @Test
  void watch_interrupted_hasPrintedWhatCame() throws Exception {
    startRun();
    start("watch", "--from", "1", "-o", "json");
    assertThat(commands.run("ban", "203.0.113.7")).returns(0, Said::exitCode);

    await()
        .atMost(PATIENCE)
        .until(() ->
            Files.readString(directory.resolve("out1"), StandardCharsets.UTF_8)
                .contains("203.0.113.7"));
  }
}
