package io.ipsentry.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code completion}: prints a script that completes command lines. */
@Command(
    name = "completion",
    header = "Print a script that completes ip-sentry's command lines.",
    footer = {
      "",
      "Examples:",
      "  source <(ip-sentry completion bash)",
      "  ip-sentry completion bash > /usr/share/bash-completion/completions/ip-sentry",
      "  source <(ip-sentry completion zsh)      # in ~/.zshrc"
    })
final class CompletionCommand implements Callable<Integer> {
  /** Shells whose completion is known. */
  enum Dialect {
    BASH,
    ZSH;

    @Override
    public String toString() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  @Mixin final CommonOptions common = new CommonOptions();

  @Parameters(paramLabel = "SHELL", description = "${COMPLETION-CANDIDATES}.")
  private Dialect dialect = Dialect.BASH;

  private final Shell shell;

  CompletionCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() {
    if (dialect == Dialect.ZSH) {
      // The script is bash's; zsh takes it with these two, and compdef must exist for them.
      shell.out().println("autoload -U +X compinit && compinit");
      shell.out().println("autoload -U +X bashcompinit && bashcompinit");
    }
    shell.out().print(AutoComplete.bash("ip-sentry", Commands.all(shell)));
    shell.out().flush();
    return ExitCode.DONE;
  }
}
