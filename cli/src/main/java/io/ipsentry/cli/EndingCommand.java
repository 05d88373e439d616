package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * A command that ends what stands for some prefixes, one after the other; the exit code is 1 if it
 * did not stand for one of them.
 *
 * @param <O> what became of one prefix
 */
abstract class EndingCommand<O> extends OperatorCommand {
  @Parameters(
      arity = "1..*",
      paramLabel = "IP",
      description = "Address or prefix, as list shows it.")
  private List<IpPrefix> addresses = List.of();

  @Option(names = "--reason", paramLabel = "TEXT", description = "For the log.")
  private String reason = "";

  EndingCommand(Shell shell) {
    super(shell);
  }

  @Override
  final int act(BanOperations operations) {
    int exitCode = ExitCode.DONE;
    for (IpPrefix ip : addresses) {
      O outcome = end(operations, ip, reason);
      if (isJson()) {
        json().object(json -> write(json, ip, outcome));
      } else {
        tell(ip, outcome);
      }
      if (!hasEnded(outcome)) {
        exitCode = ExitCode.NO;
      }
    }
    return exitCode;
  }

  /** Does it for one prefix. */
  abstract O end(BanOperations operations, IpPrefix ip, String reason);

  /** Whether it stood before. */
  abstract boolean hasEnded(O outcome);

  /** Says what became of it, for people. */
  abstract void tell(IpPrefix ip, O outcome);

  /** Writes what became of it as fields of an object. */
  abstract void write(JsonGenerator json, IpPrefix ip, O outcome) throws IOException;
}
