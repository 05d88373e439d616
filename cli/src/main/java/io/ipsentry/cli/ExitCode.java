package io.ipsentry.cli;

/** Exit codes of every command. */
final class ExitCode {
  /** Done; or: the answer is yes. */
  static final int DONE = 0;

  /** The answer is no: refused, not banned, configuration invalid. */
  static final int NO = 1;

  /** Wrong use: unknown option, bad address. */
  static final int USAGE = 2;

  /** Something could not be reached, read or written. */
  static final int FAILED = 3;

  private ExitCode() {}
}
