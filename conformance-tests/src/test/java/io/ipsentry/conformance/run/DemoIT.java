package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.IpSentry.Result;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ip-sentry demo --small}: its story is true, and nothing of it stays. */
@RequiresProgram("nginx")
final class DemoIT {
  private static final Path TEMPORARY = Path.of("/tmp");

  @TempDir private Path directory;

  @Test
  void demo_attackersAreRefusedAndNobodyElse_andNothingIsLeft() {
    Set<Path> before = stages();
    Result result = IpSentry.run("demo", "--small", "--seconds", "3", "--rate", "50", "-o", "json");

    assertThat(result.exitCode()).as(result.out() + result.err()).isZero();
    Map<String, Map<String, String>> clients =
        result.json().stream()
            .collect(Collectors.toMap(row -> row.get("client"), Function.identity()));
    assertThat(clients.values())
        .allSatisfy(row -> {
          assertThat(row).containsEntry("failed", "0");
          if ("true".equals(row.get("hostile"))) {
            assertThat(Integer.parseInt(row.get("refused"))).as(row.toString()).isPositive();
          } else {
            assertThat(row).containsEntry("refused", "0");
            assertThat(Integer.parseInt(row.get("answered"))).as(row.toString()).isPositive();
          }
        });
    // The third one is refused itself, whatever the machine does meanwhile.
    assertThat(clients.get("prober, inline")).containsEntry("answered", "2");
    assertThat(stages()).isEqualTo(before);
  }

  @Test
  void interrupted_takesItsProcessesAndFilesAway() throws IOException, InterruptedException {
    Set<Path> before = stages();
    Path out = directory.resolve("out");
    Process demo =
        new ProcessBuilder(IpSentry.command(List.of("demo", "--small", "--seconds", "60")))
            .redirectErrorStream(true)
            .redirectOutput(out.toFile())
            .start();
    try {
      await("the stage stands")
          .atMost(RunningIpSentry.PATIENCE)
          .until(() -> newStages(before).anyMatch(DemoIT::isPlayed));
      List<ProcessHandle> children = demo.descendants().toList();
      assertThat(children).hasSize(2);

      Programs.run("kill", "-INT", Long.toString(demo.pid()));

      assertThat(demo.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(children).noneMatch(ProcessHandle::isAlive);
      assertThat(stages()).as(Files.readString(out)).isEqualTo(before);
    } finally {
      demo.descendants().forEach(ProcessHandle::destroyForcibly);
      demo.destroyForcibly();
    }
  }

  @Test
  void secondsOutOfBounds_exits2() {
    Result result = IpSentry.run("demo", "--seconds", "0");
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err()).contains("--seconds");
  }

  /** Whether a client has been answered there. */
  private static boolean isPlayed(Path stage) {
    try {
      Path log = stage.resolve("access.log");
      return Files.exists(log) && Files.size(log) > 0;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at " + stage, e);
    }
  }

  private static Stream<Path> newStages(Set<Path> before) {
    Set<Path> now = new HashSet<>(stages());
    now.removeAll(before);
    return now.stream();
  }

  private static Set<Path> stages() {
    try (Stream<Path> files = Files.list(TEMPORARY)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("ip-sentry-demo."))
          .collect(Collectors.toSet());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + TEMPORARY, e);
    }
  }
}
