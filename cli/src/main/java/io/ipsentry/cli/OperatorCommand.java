package io.ipsentry.cli;

import io.ipsentry.banlog.BanOperations;
import io.ipsentry.cli.ConnectionOptions.Access;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;

/** A command that acts on the ban log, through a running instance or on the store. */
abstract class OperatorCommand implements Callable<Integer> {
  final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final ConnectionOptions connection = new ConnectionOptions();
  @Mixin private final OutputOption output = new OutputOption();

  OperatorCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public final Integer call() {
    try (BanOperations operations = connection.open(shell, access())) {
      int exitCode = act(operations);
      shell.out().flush();
      return exitCode;
    }
  }

  /** Does the work and returns the exit code. */
  abstract int act(BanOperations operations);

  /** Whether the store is created when it does not exist. */
  Access access() {
    return Access.EXISTING;
  }

  final boolean isJson() {
    return output.isJson();
  }

  final JsonLines json() {
    return new JsonLines(shell.out());
  }

  final void say(String line) {
    shell.out().println(Printable.of(line));
  }

  /** Tells why the answer is no. */
  final void refuse(String line) {
    shell.out().flush();
    shell.err().println(Printable.of("ip-sentry: " + line));
  }
}
