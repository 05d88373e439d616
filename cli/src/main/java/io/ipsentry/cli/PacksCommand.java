package io.ipsentry.cli;

import io.ipsentry.cli.Table.Column;
import io.ipsentry.config.Pack;
import io.ipsentry.config.Packs;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code packs}: shows the rule packs that are shipped. */
@Command(
    name = "packs",
    header = "Show the rule packs that are shipped: what they look for.",
    footer = {"", "Examples:", "  ip-sentry packs list", "  ip-sentry packs show default"})
final class PacksCommand implements Runnable {
  @Mixin final CommonOptions common = new CommonOptions();
  @Spec private @Nullable CommandSpec spec;

  private final Shell shell;

  PacksCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public void run() {
    throw Commands.missingCommand(spec, "list or show?");
  }

  @Command(name = "list", header = "Show the names of the packs.")
  int list(@Mixin CommonOptions options, @Mixin OutputOption output) {
    Table table =
        Table.on(
            shell,
            Column.text("PACK"),
            Column.number("PATTERNS"),
            Column.text("LOOKS AT"),
            Column.flexible("DESCRIPTION"));
    JsonLines lines = new JsonLines(shell.out());
    for (String name : Packs.names()) {
      Pack pack = Packs.find(name).orElseThrow();
      if (output.isJson()) {
        lines.object(json -> {
          json.writeStringField("name", pack.name());
          json.writeNumberField("patterns", pack.patterns().size());
          json.writeStringField("kind", kind(pack));
          json.writeStringField("description", pack.description());
        });
      } else {
        table.row(
            pack.name(), String.valueOf(pack.patterns().size()), kind(pack), pack.description());
      }
    }
    table.flush();
    return ExitCode.DONE;
  }

  @Command(
      name = "show",
      header = "Show the patterns of a pack.",
      description =
          "A pattern that ordinary software serves counts only when the answer was a 4xx status.%n")
  int show(
      @Mixin CommonOptions options,
      @Mixin OutputOption output,
      @Parameters(paramLabel = "PACK", description = "Its name.") String name) {
    Pack pack =
        Packs.find(name)
            .orElseThrow(() ->
                CommandException.no(
                    "there is no pack '"
                        + name
                        + "'; there are "
                        + String.join(", ", Packs.names())));
    List<Pack.Pattern> patterns = pack.patterns();
    JsonLines lines = new JsonLines(shell.out());
    Table table =
        Table.on(
            shell, Column.text("PATTERN"), Column.text("COUNTS"), Column.flexible("WHAT IT IS"));
    for (Pack.Pattern pattern : patterns) {
      if (output.isJson()) {
        lines.object(json -> {
          json.writeStringField("regex", pattern.regex());
          json.writeBooleanField("served_by_software", pattern.servedBySoftware());
          json.writeStringField("note", pattern.note());
        });
      } else {
        table.row(
            pattern.regex(), pattern.servedBySoftware() ? "with 4xx" : "always", pattern.note());
      }
    }
    table.flush();
    return ExitCode.DONE;
  }

  private static String kind(Pack pack) {
    return pack.kind().name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
