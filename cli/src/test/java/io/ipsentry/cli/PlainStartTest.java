package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.cli.CommandRun.Said;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PlainStartTest {
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final CommandRun commands;
  private final PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
  private final Path directory;

  PlainStartTest(@TempDir Path directory) {
    this.directory = directory;
    commands = new CommandRun(directory);
  }

  private Shell shell() {
    return commands.shell(stream, stream);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "run",
        "agent --config a.yaml",
        "enforcer -c a.yaml",
        "watcher --log-level debug",
        "authz-server --config a.yaml --log-level INFO",
        "run --log-level warn -c a.yaml"
      })
  void of_whatServicesAreStartedWith_isTheCommand(String line) {
    assertThat(PlainStart.of(line.split(" "), shell())).as(line).isPresent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "list",
        "--help",
        "run --help",
        "run --debug",
        "run --config",
        "run --config --debug",
        "run --config @file",
        "run --config=a.yaml",
        "run --config a.yaml -c b.yaml",
        "run --log-level loud",
        "run --log-level info --log-level warn",
        "run a.yaml b.yaml",
        "enforcer --checkpoints a.db",
        "authz-server --config a.yaml --socket b.sock"
      })
  void of_anythingElse_isLeftToTheParser(String line) {
    String[] args = line.isEmpty() ? new String[0] : line.split(" ");

    assertThat(PlainStart.of(args, shell())).as(line).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"run", "watcher", "authz-server", "agent"})
  void run_configurationThatDoesNotDo_isSaidAsByTheParser(String name) throws IOException {
    String[] missing = {name, "--config", directory.resolve("missing.yaml").toString()};
    String[] wrong = {
      name, "--config", Files.writeString(directory.resolve("a.yaml"), "nonsense: 1").toString()
    };
    for (String[] args : new String[][] {missing, wrong}) {
      err.reset();
      Optional<Service> service = PlainStart.of(args, shell());
      int exitCode = PlainStart.run(service.orElseThrow(), shell());

      Said expected = commands.run(args);
      assertThat(exitCode).isEqualTo(expected.exitCode()).isNotZero();
      assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo(expected.err()).isNotEmpty();
    }
  }

  @Test
  void run_defaultConfiguration_isTheOneOfTheEnvironment() throws IOException {
    Path file = Files.writeString(directory.resolve("b.yaml"), "nonsense: 1");
    commands.environment.put("IP_SENTRY_CONFIG", file.toString());

    int exitCode =
        PlainStart.run(PlainStart.of(new String[] {"run"}, shell()).orElseThrow(), shell());

    Said expected = commands.run("run");
    assertThat(exitCode).isEqualTo(expected.exitCode()).isNotZero();
    assertThat(err.toString(StandardCharsets.UTF_8))
        .isEqualTo(expected.err())
        .contains(file.getFileName().toString());
  }
}
