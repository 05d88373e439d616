package io.ipsentry.testing.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ServerProcessTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private Path directory;

  private ServerProcess server;

  @BeforeEach
  void start() {
    server = sleeping(directory);
    server.start();
  }

  @AfterEach
  void end() {
    server.close();
  }

  @Test
  void start_again_isAnotherProcess() {
    long first = server.pid();
    server.stop();
    assertThat(server.isRunning()).isFalse();
    server.start();

    assertThat(server.pid()).isNotEqualTo(first);
    assertThat(server.residentBytes()).isPositive();
  }

  @Test
  void start_whileRunning_isRefused() {
    assertThatThrownBy(server::start).hasMessageContaining("is running");
  }

  @Test
  void start_ofOneThatEnds_fails() {
    ServerProcess broken =
        new ServerProcess(
            "broken",
            List.of("sh", "-c", "echo no licence; exit 7"),
            directory.resolve("broken.log"),
            () -> false);

    assertThatThrownBy(broken::start)
        .hasMessageContaining("ended with 7")
        .hasMessageContaining("no licence");
  }

  @Test
  void freeze_thenThaw_stopsTheProcessInItsTracks() throws IOException {
    server.freeze();
    assertThat(state(server.pid())).isEqualTo("T");

    server.thaw();

    assertThat(state(server.pid())).isNotEqualTo("T");
  }

  @Test
  void watchdog_afterTheEnd_isGone() throws Exception {
    ProcessHandle watchdog =
        ProcessHandle.of(server.pid()).orElseThrow().children().findFirst().orElseThrow();

    server.kill();

    assertThat(watchdog.onExit().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS))
        .isEqualTo(watchdog);
  }

  @Test
  void server_itsJvmKilled_isGone() throws Exception {
    Process jvm =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xshare:auto",
                "-cp",
                System.getProperty("java.class.path"),
                Starter.class.getName(),
                directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader reader = jvm.inputReader()) {
      ProcessHandle orphan =
          Optional.ofNullable(reader.readLine())
              .map(Long::parseLong)
              .flatMap(ProcessHandle::of)
              .orElseThrow();
      assertThat(orphan.isAlive()).isTrue();

      jvm.destroyForcibly();

      assertThat(orphan.onExit().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isEqualTo(orphan);
    } finally {
      jvm.destroyForcibly();
    }
  }

  /** Ready once the command itself runs, no longer the shell that starts it. */
  private static ServerProcess sleeping(Path directory) {
    Path runs = directory.resolve("runs");
    return new ServerProcess(
        "sleeper",
        List.of("sh", "-c", ": >\"$0\"; exec sleep 600", runs.toString()),
        directory.resolve("sleeper.log"),
        () -> Files.exists(runs));
  }

  private static String state(long pid) throws IOException {
    return Files.readString(Path.of("/proc", Long.toString(pid), "stat")).split(" ")[2];
  }

  /** A JVM that starts a server and is killed. */
  static final class Starter {
    private Starter() {}

    /** Prints the number of the server's process, and waits. */
    public static void main(String[] arguments) throws InterruptedException {
      ServerProcess server = sleeping(Path.of(arguments[0]));
      server.start();
      System.out.println(server.pid());
      new CountDownLatch(1).await();
    }
  }
}
