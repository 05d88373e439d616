package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of an agent whose sources cannot be read: for now, or any more. */
final class HostAgentTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String PROBE =
      "203.0.113.7 - - [21/Nov/2026:07:00:00 +0000] \"GET /.env HTTP/1.1\" 404 9 \"-\" \"x\"\n";

  private final Path directory;
  private final Path config;
  private final Path log;

  /** What reading the clock throws on the reading thread; a defect can be anywhere. */
  private volatile String defect = "";

  HostAgentTest(@TempDir Path directory) throws IOException {
    this.directory = directory;
    config = directory.resolve("agent.yaml");
    log = Files.createFile(directory.resolve("access.log"));
    Files.writeString(
        config,
        """
        sources:
          - { name: web, file: %s, format: combined, reader: agent }
          - { name: journal, journald: { directory: %s }, format: sshd, reader: agent }
        admin: { socket: %s }
        metrics: { listen: "127.0.0.1:0" }
        """
            .formatted(log, directory.resolve("nowhere"), directory.resolve("nobody.sock")));
  }

  private Shell shell() {
    PrintStream nowhere = new PrintStream(PrintStream.nullOutputStream());
    return new Shell(
        InputStream.nullInputStream(),
        nowhere,
        nowhere,
        () -> 0,
        () -> 0,
        Map.of(),
        new Shell.User("tester", 1000, directory),
        new FailingClock());
  }

  private final class FailingClock implements InstantSource {
    @Override
    public Instant instant() {
      if (!defect.isEmpty() && Thread.currentThread().getName().equals("agent")) {
        if (defect.equals("error")) {
          throw new OutOfMemoryError("no more of it");
        }
        throw new IllegalStateException("a defect");
      }
      return CommandRun.START;
    }
  }

  private void write() throws IOException {
    Files.writeString(log, PROBE, StandardOpenOption.APPEND);
  }

  @ParameterizedTest
  @ValueSource(strings = {"exception", "error"})
  void agent_readingThreadDies_endsWithExitCode3(String what) {
    defect = what;

    CompletableFuture<Integer> agent =
        CompletableFuture.supplyAsync(() ->
            Commands.run(
                new String[] {
                  "agent",
                  "--config",
                  config.toString(),
                  "--checkpoints",
                  directory.resolve("agent.db").toString()
                },
                shell()));

    await()
        .atMost(PATIENCE)
        .until(() -> {
          write();
          return agent.isDone();
        });
    assertThat(agent).isCompletedWithValue(ExitCode.FAILED);
  }

  @Test
  void start_sourceCannotBeReadForNow_isNotReadyAndReadsOn() throws Exception {
    Locations locations = Locations.find(config, shell(), ExitCode.NO);
    CountDownLatch ended = new CountDownLatch(1);
    try (FollowedState owner = LogOrigins.open(Optional.empty(), null, locations, shell());
        HostAgent agent =
            HostAgent.start(
                locations.config(),
                directory.resolve("agent.db"),
                owner,
                shell(),
                ended::countDown)) {
      await()
          .atMost(PATIENCE)
          .untilAsserted(() ->
              assertThat(agent.reasonsNotReady())
                  .anySatisfy(reason -> assertThat(reason).startsWith("source journal: "))
                  .anySatisfy(reason -> assertThat(reason).startsWith("leader: ")));
      agent.check();
      assertThat(ended.getCount()).isOne();

      defect = "error";
      await()
          .atMost(PATIENCE)
          .until(() -> {
            write();
            return ended.getCount() == 0;
          });
      assertThatThrownBy(agent::check)
          .isInstanceOf(CommandException.class)
          .hasMessageContaining("no more of it");
      assertThat(agent.reasonsNotReady())
          .anySatisfy(reason -> assertThat(reason).contains("cannot be read any more"));
    }
  }
}
