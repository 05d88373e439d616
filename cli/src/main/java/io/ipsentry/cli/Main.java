package io.ipsentry.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Entry point of {@code ip-sentry}: hands the command line to the command it names. */
@Command(
    name = "ip-sentry",
    description = "Bans abusive clients from what access logs tell.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new Main()).execute(args));
  }
}
