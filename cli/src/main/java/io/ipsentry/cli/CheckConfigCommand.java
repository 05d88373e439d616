package io.ipsentry.cli;

import io.ipsentry.config.ConfigReport;
import io.ipsentry.config.ConfigResult;
import java.nio.file.Path;
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
    int exitCode = tell(path.get(), Locations.read(path.get(), shell));
    shell.out().flush();
    return exitCode;
  }

  private int tell(Path path, ConfigResult result) {
    String name = path.toString();
    if (output.isJson()) {
      shell.out().print(ConfigReport.jsonLines(name, result));
    } else {
      ConfigReport.text(name, result).lines().map(Printable::of).forEach(shell.out()::println);
    }
    return switch (result) {
      case ConfigResult.Valid valid -> ExitCode.DONE;
      case ConfigResult.Invalid invalid -> ExitCode.NO;
    };
  }
}
