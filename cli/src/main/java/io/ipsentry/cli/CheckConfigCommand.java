package io.ipsentry.cli;

import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigProblem;
import io.ipsentry.config.ConfigResult;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code check-config}: tells every mistake in a configuration. */
@Command(
    name = "check-config",
    header = "Check a configuration: every mistake with its place and how to mend it.",
    description = {"Exit 0: it can be used (there may be warnings). Exit 1: it cannot.", ""},
    footer = {
      "",
      "Examples:",
      "  ip-sentry check-config",
      "  ip-sentry check-config ip-sentry.yaml",
      "  ip-sentry check-config -c ip-sentry.yaml -o json"
    })
final class CheckConfigCommand implements Callable<Integer> {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final OutputOption output = new OutputOption();

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description =
          "Default: --config, else $IP_SENTRY_CONFIG, else /etc/ip-sentry/ip-sentry.yaml.")
  private @Nullable Path file;

  @Option(
      names = {"-c", "--config"},
      paramLabel = "FILE",
      description = "The same as the parameter, as the other commands have it.")
  private @Nullable Path config;

  CheckConfigCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() {
    if (file != null && config != null) {
      throw CommandException.usage("give the file once, as parameter or as --config");
    }
    Optional<Path> path = Locations.configFile(file != null ? file : config, shell);
    if (path.isEmpty()) {
      throw CommandException.failed(
          "there is no configuration "
              + Locations.SYSTEM_CONFIG
              + "; name a file, or go without one: then what is built in holds");
    }
    int exitCode = tell(path.get(), Locations.read(path.get()));
    shell.out().flush();
    return exitCode;
  }

  private int tell(Path path, ConfigResult result) {
    return switch (result) {
      case ConfigResult.Valid valid -> {
        problems(valid.warnings());
        if (!output.isJson()) {
          shell.out().println(Printable.of(path + ": ok: " + summary(valid.config())));
        }
        yield ExitCode.DONE;
      }
      case ConfigResult.Invalid invalid -> {
        problems(invalid.errors());
        problems(invalid.warnings());
        if (!output.isJson()) {
          int count = invalid.errors().size();
          shell
              .out()
              .println(
                  Printable.of(path + ": invalid: " + count + (count == 1 ? " error" : " errors")));
        }
        yield ExitCode.NO;
      }
    };
  }

  private static String summary(Config config) {
    return count(config.sources().size(), "source") + ", " + count(config.rules().size(), "rule");
  }

  private static String count(int number, String what) {
    return number + " " + what + (number == 1 ? "" : "s");
  }

  private void problems(List<ConfigProblem> problems) {
    Style style = Style.of(shell);
    for (ConfigProblem problem : problems) {
      if (output.isJson()) {
        json(problem);
        continue;
      }
      String severity =
          switch (problem.severity()) {
            case ERROR -> style.red("error");
            case WARNING -> style.yellow("warning");
          };
      String where = problem.path().isEmpty() ? "" : problem.path() + ": ";
      shell
          .out()
          .println(
              Printable.of(problem.location())
                  + ": "
                  + severity
                  + ": "
                  + Printable.of(where + problem.what() + "; " + problem.mend()));
    }
  }

  private void json(ConfigProblem problem) {
    new JsonLines(shell.out())
        .object(json -> {
          json.writeStringField("severity", problem.severity().name().toLowerCase(Locale.ROOT));
          json.writeStringField("file", problem.file());
          json.writeNumberField("line", problem.line());
          json.writeNumberField("column", problem.column());
          json.writeStringField("path", problem.path());
          json.writeStringField("what", problem.what());
          json.writeStringField("mend", problem.mend());
        });
  }
}
