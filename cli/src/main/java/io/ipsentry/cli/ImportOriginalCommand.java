package io.ipsentry.cli;

import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanOutcome;
import io.ipsentry.cli.ConnectionOptions.Access;
import io.ipsentry.config.ForeignYaml;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code import original}: values and blocklist of the original ip-sentry. */
@Command(
    name = "original",
    header = "Take over the values or the blocklist of the original ip-sentry.",
    description = {
      "The values of its chart are written as a configuration. Those of its blocklist (the JSON, or"
          + " the ConfigMap) that have not ended are banned until they do. In a cluster neither is"
          + " needed: the chart takes the values and the blocklist as they are.",
      ""
    },
    footer = {
      "",
      "Exit 1: some address was refused.",
      "",
      "Examples:",
      "  ip-sentry import original values.yaml --output ip-sentry.yaml",
      "  kubectl get cm -n ip-sentry ip-sentry-blocklist -o yaml > b.yaml",
      "  ip-sentry import original b.yaml"
    })
final class ImportOriginalCommand implements Callable<Integer> {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final ConnectionOptions connection = new ConnectionOptions();

  @Option(names = "--output", paramLabel = "FILE", description = "Write the configuration here.")
  private @Nullable Path output;

  @Parameters(paramLabel = "FILE", description = "YAML or JSON.")
  private Path file = Path.of("");

  ImportOriginalCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() throws IOException {
    List<ForeignYaml> documents = ImportedConfig.documents(file);
    if (documents.isEmpty()) {
      throw CommandException.no(file + " is empty");
    }
    Optional<ForeignYaml> blocklist = OriginalImport.blocklist(documents.getFirst());
    return blocklist.isPresent()
        ? ban(blocklist.get())
        : OriginalImport.config(documents.getFirst()).write(shell, output);
  }

  private int ban(ForeignYaml blocklist) {
    ImportedConfig notes = new ImportedConfig();
    List<OriginalImport.Ban> bans = OriginalImport.bans(blocklist, shell.clock().instant(), notes);
    int banned = 0;
    int already = 0;
    int refused = 0;
    try (BanOperations operations = connection.open(shell, Access.CREATE)) {
      for (OriginalImport.Ban ban : bans) {
        switch (operations.ban(ban.ip(), ban.length(), ban.reason(), shell.author())) {
          case BanOutcome.Banned _ -> banned++;
          case BanOutcome.AlreadyBanned _ -> already++;
          case BanOutcome.Refused outcome -> {
            refused++;
            shell
                .err()
                .println(
                    Printable.of(ban.ip() + " is not banned: " + outcome.refusal().description()));
          }
        }
      }
    }
    notes.notes().forEach(note -> shell.err().println(Printable.of(note)));
    shell
        .out()
        .println("banned " + banned + ", already banned " + already + ", refused " + refused);
    shell.out().flush();
    return refused > 0 ? ExitCode.NO : ExitCode.DONE;
  }
}
