package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.cli.PackTrial.Found;
import io.ipsentry.cli.PackTrial.Request;
import io.ipsentry.cli.Table.Column;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.Pack;
import io.ipsentry.config.Packs;
import io.ipsentry.watcher.Explain;
import io.ipsentry.watcher.source.ReplayReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code packs test}: says which entries of the packs something hits. */
@Command(
    name = "test",
    header = "Say which entries of the packs a path, a URL, a line or a log hits, and why.",
    description = {
      "A parameter with a blank in it is a line of a log, one that begins with / is the target of a"
          + " request, one with :// is a URL, and else it is a log. Thresholds are not looked at.",
      ""
    },
    footer = {
      "",
      "Exit 1: it hits nothing that counts.",
      "",
      "Examples:",
      "  ip-sentry packs test /.env",
      "  ip-sentry packs test --status 200 https://www.example.com/wp-login.php",
      "  ip-sentry packs test --pack scanners --user-agent 'sqlmap/1.8'",
      "  ip-sentry packs test --log /var/log/nginx/access.log"
    })
final class PacksTestCommand implements Callable<Integer> {
  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final LogOptions options = new LogOptions();
  @ParentCommand private @Nullable PacksCommand parent;

  @Option(
      names = {"-p", "--pack"},
      paramLabel = "PACK",
      description = "Only this pack; may be given several times. Default: all.")
  private List<String> names = List.of();

  @Option(names = "--status", paramLabel = "N", description = "What the client got.")
  private int status;

  @Option(names = "--method", paramLabel = "METHOD", description = "Method of the request.")
  private @Nullable String method;

  @Option(names = "--user-agent", paramLabel = "TEXT", description = "User agent of the client.")
  private @Nullable String userAgent;

  @Option(names = "--log", paramLabel = "FILE", description = "A log; - is standard input.")
  private @Nullable String log;

  @Parameters(arity = "0..1", paramLabel = "PATH|URL|LINE|LOG", description = "What to look at.")
  private @Nullable String what;

  @Override
  public Integer call() throws IOException {
    List<Pack> packs =
        (names.isEmpty() ? Packs.names() : names).stream().map(PacksCommand::find).toList();
    if (log != null && (what != null || userAgent != null)) {
      throw CommandException.usage("a log and something else at once; name one of them");
    }
    if (log != null) {
      return log(packs, log);
    }
    if (what == null && userAgent == null) {
      throw CommandException.usage("name a path, a URL, a line or a log");
    }
    if (what != null && !isTarget(what) && !what.contains(" ")) {
      return log(packs, what);
    }
    return print(new PackTrial(packs).of(request()));
  }

  private static boolean isTarget(String text) {
    return text.startsWith("/") || text.contains("://");
  }

  private Shell shell() {
    return Objects.requireNonNull(parent).shell();
  }

  private Request request() {
    String upper = method == null ? null : method.toUpperCase(Locale.ROOT);
    if (what == null || isTarget(what) && !what.contains(" ")) {
      return new Request(what, userAgent, upper, status);
    }
    LogOptions.Reading reading = options.reading(List.of(), shell());
    Explain.Line line =
        new Explain(
                reading.config(),
                reading.source(),
                ZoneId.systemDefault(),
                shell().clock(),
                format -> {})
            .line(what);
    if (line.kind() == Explain.Kind.MISSED) {
      throw CommandException.no(
          "the line is of no known format, or not of the one given with --format");
    }
    Map<String, String> fields = line.fields();
    return new Request(
        fields.get("target"),
        userAgent == null ? fields.get("userAgent") : userAgent,
        upper == null ? fields.get("method") : upper,
        status == 0 ? Integer.parseInt(fields.getOrDefault("status", "0")) : status);
  }

  private int print(List<Found> all) {
    Table table =
        Table.on(
            shell(),
            Column.text("PACK"),
            Column.flexible("PATTERN"),
            Column.text("COUNTS"),
            Column.flexible("WHAT IT IS"),
            Column.flexible("SOURCE"));
    JsonLines lines = new JsonLines(shell().out());
    for (Found found : all) {
      Pack.Pattern entry = found.entry();
      if (output.isJson()) {
        lines.object(json -> {
          write(json, found.pack(), entry);
          json.writeBooleanField("counts", found.counts());
        });
      } else {
        table.row(
            found.pack().name(),
            entry.regex(),
            (found.counts() ? "" : "no: ") + when(found.pack(), entry),
            entry.about().note(),
            entry.about().source());
      }
    }
    if (all.isEmpty() && !output.isJson()) {
      shell().out().println("no entry of a pack matches");
    } else {
      table.flush();
    }
    shell().out().flush();
    return all.stream().anyMatch(Found::counts) ? ExitCode.DONE : ExitCode.NO;
  }

  private static String when(Pack pack, Pack.Pattern entry) {
    String methods = String.join(", ", pack.methods().stream().sorted().toList());
    return PacksCommand.counts(entry) + (methods.isEmpty() ? "" : ", " + methods);
  }

  private static void write(JsonGenerator json, Pack pack, Pack.Pattern entry) throws IOException {
    json.writeStringField("pack", pack.name());
    json.writeStringField("regex", entry.regex());
    json.writeStringField("status", entry.status() == null ? null : entry.status().toString());
    json.writeStringField("note", entry.about().note());
    json.writeStringField("source", entry.about().source());
    json.writeStringField("since", entry.about().since());
  }

  // ---- a log

  private int log(List<Pack> packs, String name) throws IOException {
    boolean stdin = name.equals(LogOptions.STDIN);
    List<Path> files = LogOptions.existing(List.of(name));
    if (!stdin && files.stream().noneMatch(Files::isReadable)) {
      throw CommandException.failed(name + " cannot be read");
    }
    LogOptions.Reading reading = options.reading(files, shell());
    Explain explain =
        new Explain(
            rules(packs),
            reading.source(),
            ZoneId.systemDefault(),
            LogOptions.lastWritten(files, shell()),
            format -> {});
    try (ReplayReader reader =
        stdin
            ? ReplayReader.of("standard input", shell().in(), explain)
            : ReplayReader.open(files.getFirst(), explain)) {
      while (reader.readSome()) {
        // Lines are explained as they are read.
      }
      reader.problem().ifPresent(problem -> shell().err().println(Printable.of(problem)));
    }
    return report(packs, explain);
  }

  /** One rule a pack, which takes the first entry that counts. */
  private static Config rules(List<Pack> packs) {
    String yaml =
        packs.stream()
            .map(pack -> "  - { name: %s, match: { packs: [%<s] } }\n".formatted(pack.name()))
            .collect(Collectors.joining("", "rules:\n", ""));
    return new ConfigLoader()
        .parse("packs", yaml.getBytes(StandardCharsets.UTF_8), Path.of("/"))
        .orThrow();
  }

  private record Row(Pack pack, Pack.Pattern entry, long lines) {}

  private int report(List<Pack> packs, Explain explain) {
    List<Row> rows = new ArrayList<>();
    for (Pack pack : packs) {
      Map<String, Long> hits = explain.patterns().getOrDefault(pack.name(), Map.of());
      for (Pack.Pattern entry : pack.patterns()) {
        Long lines = hits.get(entry.regex());
        if (lines != null) {
          rows.add(new Row(pack, entry, lines));
        }
      }
    }
    Table table =
        Table.on(
            shell(),
            Column.text("PACK"),
            Column.number("LINES"),
            Column.flexible("PATTERN"),
            Column.flexible("WHAT IT IS"));
    JsonLines lines = new JsonLines(shell().out());
    for (Row row : rows) {
      if (output.isJson()) {
        lines.object(json -> {
          write(json, row.pack(), row.entry());
          json.writeNumberField("lines", row.lines());
        });
      } else {
        table.row(
            row.pack().name(),
            String.valueOf(row.lines()),
            row.entry().regex(),
            row.entry().about().note());
      }
    }
    table.flush();
    long read = explain.kinds().values().stream().mapToLong(Long::longValue).sum();
    long hit = explain.kinds().getOrDefault(Explain.Kind.MATCHED, 0L);
    shell().err().println(hit + " of " + read + " lines are hits");
    return rows.isEmpty() ? ExitCode.NO : ExitCode.DONE;
  }
}
