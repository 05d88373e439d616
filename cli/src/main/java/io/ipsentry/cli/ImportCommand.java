package io.ipsentry.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code import}: takes over what another program has. */
@Command(
    name = "import",
    header = "Take over what another program has.",
    footer = {
      "",
      "Examples:",
      "  ip-sentry import fail2ban > ip-sentry.yaml",
      "  ip-sentry import traefik-plugin middlewares.yaml",
      "  ip-sentry import list blocklist.txt --for 7d"
    })
final class ImportCommand implements Runnable {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  private @Nullable CommandSpec spec;

  ImportCommand(Shell shell) {
    this.shell = shell;
  }

  /** Called by the parser; adds what can be imported. */
  @Spec
  void spec(CommandSpec given) {
    spec = given;
    given.addSubcommand("fail2ban", new picocli.CommandLine(new ImportFail2banCommand(shell)));
    given.addSubcommand("list", new picocli.CommandLine(new ImportListCommand(shell)));
    given.addSubcommand("original", new picocli.CommandLine(new ImportOriginalCommand(shell)));
    given.addSubcommand(
        "traefik-plugin", new picocli.CommandLine(new ImportTraefikPluginCommand(shell)));
  }

  @Override
  public void run() {
    throw Commands.missingCommand(spec, "import what?");
  }
}
