package io.ipsentry.cli;

import io.ipsentry.cli.Table.Column;
import io.ipsentry.config.Durations;
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

/** {@code packs}: shows and tries the rule packs that are shipped. */
@Command(
    name = "packs",
    header = "Show the rule packs that are shipped, and what something would hit.",
    subcommands = {PacksTestCommand.class},
    footer = {
      "",
      "Examples:",
      "  ip-sentry packs list",
      "  ip-sentry packs show default",
      "  ip-sentry packs test /.env"
    })
final class PacksCommand implements Runnable {
  @Mixin final CommonOptions common = new CommonOptions();
  @Spec private @Nullable CommandSpec spec;

  private final Shell shell;

  PacksCommand(Shell shell) {
    this.shell = shell;
  }

  Shell shell() {
    return shell;
  }

  @Override
  public void run() {
    throw Commands.missingCommand(spec, "list, show or test?");
  }

  @Command(name = "list", header = "Show the names of the packs.")
  int list(@Mixin CommonOptions options, @Mixin OutputOption output) {
    Table table =
        Table.on(
            shell,
            Column.text("PACK"),
            Column.number("PATTERNS"),
            Column.text("LOOKS AT"),
            Column.text("SEVERITY"),
            Column.number("THRESHOLD"),
            Column.flexible("DESCRIPTION"));
    JsonLines lines = new JsonLines(shell.out());
    for (String name : Packs.names()) {
      Pack pack = Packs.find(name).orElseThrow();
      Pack.Defaults defaults = pack.defaults();
      if (output.isJson()) {
        lines.object(json -> {
          json.writeStringField("name", pack.name());
          json.writeNumberField("patterns", pack.patterns().size());
          json.writeStringField("kind", kind(pack));
          json.writeStringField("severity", word(pack.severity()));
          json.writeNumberField("threshold", defaults.threshold());
          json.writeNumberField("distinct", defaults.distinct());
          json.writeStringField(
              "window", defaults.window() == null ? null : Durations.format(defaults.window()));
          json.writeArrayFieldStart("methods");
          for (String method : pack.methods().stream().sorted().toList()) {
            json.writeString(method);
          }
          json.writeEndArray();
          json.writeStringField("description", pack.description());
        });
      } else {
        table.row(
            pack.name(),
            String.valueOf(pack.patterns().size()),
            kind(pack),
            String.valueOf(word(pack.severity())),
            String.valueOf(defaults.threshold()),
            pack.description());
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
    Pack pack = find(name);
    List<Pack.Pattern> patterns = pack.patterns();
    JsonLines lines = new JsonLines(shell.out());
    Table table =
        Table.on(
            shell,
            Column.flexible("PATTERN"),
            Column.text("COUNTS"),
            Column.text("SINCE"),
            Column.text("FALSE POSITIVES"),
            Column.flexible("WHAT IT IS"),
            Column.flexible("SOURCE"));
    for (Pack.Pattern pattern : patterns) {
      Pack.About about = pattern.about();
      if (output.isJson()) {
        lines.object(json -> {
          json.writeStringField("regex", pattern.regex());
          json.writeBooleanField("served_by_software", pattern.servedBySoftware());
          json.writeStringField(
              "status", pattern.status() == null ? null : pattern.status().toString());
          json.writeStringField("note", about.note());
          json.writeStringField("source", about.source());
          json.writeStringField("since", about.since());
          json.writeStringField("false_positives", word(about.falsePositives()));
          json.writeStringField("example", about.example());
        });
      } else {
        table.row(
            pattern.regex(),
            counts(pattern),
            about.since(),
            String.valueOf(word(about.falsePositives())),
            about.note(),
            about.source());
      }
    }
    table.flush();
    return ExitCode.DONE;
  }

  /** A shipped pack, by the name it has or had. */
  static Pack find(String name) {
    return Packs.find(Packs.renamed(name).orElse(name))
        .orElseThrow(() ->
            CommandException.no(
                "there is no pack '" + name + "'; there are " + String.join(", ", Packs.names())));
  }

  /** With which statuses a pattern counts, in words. */
  static String counts(Pack.Pattern pattern) {
    if (pattern.status() == null) {
      return "always";
    }
    return "with " + (pattern.servedBySoftware() ? "4xx" : pattern.status().toString());
  }

  private static String kind(Pack pack) {
    return pack.kind().name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static @Nullable String word(Pack.@Nullable Level level) {
    return level == null ? null : level.word();
  }
}
