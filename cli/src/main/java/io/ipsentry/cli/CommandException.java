package io.ipsentry.cli;

/** Ends a command with a message for people, one line: what, where, how to mend it. */
final class CommandException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int exitCode;

  private CommandException(int exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  private CommandException(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  /** Something could not be reached, read or written. */
  static CommandException failed(String message) {
    return new CommandException(ExitCode.FAILED, message);
  }

  /** Something could not be reached, read or written. */
  static CommandException failed(String message, Throwable cause) {
    return new CommandException(ExitCode.FAILED, message, cause);
  }

  /** The answer is no. */
  static CommandException no(String message) {
    return new CommandException(ExitCode.NO, message);
  }

  /** Arguments that do not go together. */
  static CommandException usage(String message) {
    return new CommandException(ExitCode.USAGE, message);
  }

  int exitCode() {
    return exitCode;
  }
}
