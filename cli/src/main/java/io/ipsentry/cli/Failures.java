package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminEndpointException;
import io.ipsentry.authz.admin.AdminServerException;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.enforcer.InstanceLockException;
import io.ipsentry.watcher.host.HostAddressesException;
import io.ipsentry.watcher.metrics.HealthServerException;
import java.io.IOException;
import java.io.UncheckedIOException;

/** What a failure is for people, and for scripts. */
final class Failures {
  private Failures() {}

  /** Says it, and returns the exit code for it. */
  static int exitCode(Exception failure, Shell shell, boolean debug) {
    shell.out().flush();
    if (debug) {
      failure.printStackTrace(shell.err());
    }
    return switch (failure) {
      case CommandException expected -> {
        say(shell, "ip-sentry: " + expected.getMessage());
        yield expected.exitCode();
      }
      case BanLogException log -> {
        say(shell, "ip-sentry: " + log.getMessage());
        yield ExitCode.FAILED;
      }
      case RejectedRequestException rejected -> {
        say(shell, "ip-sentry: " + rejected.getMessage());
        yield ExitCode.USAGE;
      }
      case AdminEndpointException _,
          AdminServerException _,
          HealthServerException _,
          InstanceLockException _,
          HostAddressesException _ -> {
        say(shell, "ip-sentry: " + failure.getMessage());
        yield ExitCode.FAILED;
      }
      case UncheckedIOException io -> ioFailure(io, shell);
      case IOException io -> ioFailure(io, shell);
      default -> {
        say(
            shell,
            "ip-sentry: a defect of ip-sentry: "
                + failure
                + "; run it again with --debug and report what it says");
        yield ExitCode.FAILED;
      }
    };
  }

  private static int ioFailure(Exception failure, Shell shell) {
    say(shell, "ip-sentry: cannot read or write: " + failure.getMessage());
    return ExitCode.FAILED;
  }

  /** One message for people; several lines only if it says so itself. */
  static void say(Shell shell, String message) {
    message.lines().map(Printable::of).forEach(shell.err()::println);
  }
}
