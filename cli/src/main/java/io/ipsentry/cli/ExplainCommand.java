package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.cli.Table.Column;
import io.ipsentry.watcher.Explain;
import io.ipsentry.watcher.Explain.Kind;
import io.ipsentry.watcher.Explain.RuleOutcome;
import io.ipsentry.watcher.source.ReplayReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code explain}: shows how lines are read and what the rules make of them. */
@Command(
    name = "explain",
    header = "Show how a log or a line is read: matched, missed, ignored, and why.",
    description = {
      "Nothing is counted or banned; replay shows what follows. A parameter that is no file is a"
          + " line.",
      ""
    },
    footer = {
      "",
      "Exit 1: nothing was a hit.",
      "",
      "Examples:",
      "  ip-sentry explain /var/log/nginx/access.log",
      "  ip-sentry explain --show 20 /var/log/auth.log",
      "  ip-sentry explain '203.0.113.7 - - [21/Nov/2026:07:00:00 +0000] \"GET /.env HTTP/1.1\" 404"
          + " 1'"
    })
final class ExplainCommand implements Callable<Integer> {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final LogOptions options = new LogOptions();

  @Option(
      names = "--show",
      paramLabel = "N",
      description = "Lines of each kind to show, at most 20. Default: ${DEFAULT-VALUE}.",
      defaultValue = "3")
  private int show = 3;

  @Parameters(
      arity = "1",
      paramLabel = "LOG|LINE",
      description = "A log, plain or gzip; - is standard input; or one line.")
  private String what = "";

  ExplainCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() throws IOException {
    boolean stdin = what.equals(LogOptions.STDIN);
    boolean path = !what.contains(" ") && (what.startsWith("/") || what.startsWith("./"));
    boolean log = stdin || path || isFile(what);
    List<Path> files = log ? LogOptions.existing(List.of(what)) : List.of();
    LogOptions.Reading reading = options.reading(files, shell);
    Explain explain =
        new Explain(
            reading.config(),
            reading.source(),
            ZoneId.systemDefault(),
            LogOptions.lastWritten(files, shell),
            format -> {});
    if (!log) {
      Explain.Line line = explain.line(what);
      line(line);
      shell.out().flush();
      return line.kind() == Kind.MATCHED ? ExitCode.DONE : ExitCode.NO;
    }
    try (ReplayReader reader =
        stdin
            ? ReplayReader.of("standard input", shell.in(), explain)
            : ReplayReader.open(files.getFirst(), explain)) {
      read(reader, LogOptions.size(files));
    }
    report(explain);
    shell.out().flush();
    return count(explain, Kind.MATCHED) > 0 ? ExitCode.DONE : ExitCode.NO;
  }

  private void read(ReplayReader reader, long size) {
    Progress progress = Progress.start(shell, size, reader::bytesDone);
    try {
      while (reader.readSome()) {
        // Lines are explained as they are read.
      }
    } finally {
      progress.end();
    }
    reader.problem().ifPresent(problem -> say("not read to its end: " + problem));
  }

  private static boolean isFile(String text) {
    // A line may hold what no path can.
    return text.indexOf('\0') < 0 && text.length() < 4_096 && Files.exists(Path.of(text));
  }

  private static long count(Explain explain, Kind kind) {
    return explain.kinds().getOrDefault(kind, 0L);
  }

  private static String name(Kind kind) {
    return switch (kind) {
      case MATCHED -> "matched";
      case IGNORED -> "ignored";
      case UNREMARKABLE -> "unremarkable";
      case WITHOUT_ADDRESS -> "without address";
      case MISSED -> "missed";
      case EMPTY -> "empty";
    };
  }

  // ---- a log

  private void report(Explain explain) {
    if (output.isJson()) {
      summaryJson(explain);
      explain.examples().values().forEach(lines -> lines.stream().limit(show).forEach(this::line));
      return;
    }
    say("format     " + explain.format() + wrapper(explain));
    for (Kind kind : Kind.values()) {
      if (kind != Kind.EMPTY || count(explain, kind) > 0) {
        say(String.format(Locale.ROOT, "%-15s %d", name(kind), count(explain, kind)));
      }
    }
    if (explain.disbelieved() > 0) {
      say(
          explain.disbelieved()
              + " lines name a client that their sender was not trusted to name; if it is your"
              + " proxy, list it in trustedProxies");
    }
    patterns(explain);
    stamps(explain);
    examples(explain);
  }

  private void stamps(Explain explain) {
    if (explain.stamps().isEmpty()) {
      return;
    }
    Table table = Table.on(shell, Column.number("LINES"), Column.flexible("STAMP"));
    explain.stamps().forEach((form, lines) -> table.row(String.valueOf(lines), form));
    shell.out().println();
    table.flush();
  }

  private static String wrapper(Explain explain) {
    return explain.wrapper().isEmpty() ? "" : " in " + explain.wrapper();
  }

  private void patterns(Explain explain) {
    Table table =
        Table.on(
            shell, Column.flexible("RULE"), Column.number("LINES"), Column.flexible("PATTERN"));
    explain
        .patterns()
        .forEach((rule, patterns) ->
            patterns.forEach((pattern, lines) -> table.row(rule, String.valueOf(lines), pattern)));
    explain
        .outcomes()
        .forEach((rule, outcomes) ->
            outcomes.forEach((outcome, lines) -> {
              switch (outcome) {
                case OWN_DENIAL, CHALLENGE, ALLOWED_PATH, SERVED, IGNORED ->
                    table.row(rule, String.valueOf(lines), "(" + outcome.text() + ")");
                default -> {
                  // Lines of no concern to the rule.
                }
              }
            }));
    shell.out().println();
    table.flush();
  }

  private void examples(Explain explain) {
    for (Kind kind : List.of(Kind.MATCHED, Kind.IGNORED, Kind.WITHOUT_ADDRESS, Kind.MISSED)) {
      List<Explain.Line> lines = explain.examples().getOrDefault(kind, List.of());
      if (!lines.isEmpty() && show > 0) {
        shell.out().println();
        say(name(kind) + ":");
        for (Explain.Line line : lines.subList(0, Math.min(show, lines.size()))) {
          say("  " + line.text());
          if (kind != Kind.MISSED) {
            say("    " + reasons(line));
          }
        }
      }
    }
  }

  private static String reasons(Explain.Line line) {
    StringBuilder reasons = new StringBuilder();
    reasons.append(line.client() == null ? line.addressOutcome() : line.client().toString());
    for (RuleOutcome rule : line.rules()) {
      boolean says =
          switch (rule.outcome()) {
            case HIT, OWN_DENIAL, CHALLENGE, ALLOWED_PATH, SERVED, IGNORED -> true;
            default -> false;
          };
      if (says) {
        reasons.append("; ").append(rule.rule()).append(": ").append(rule.outcome().text());
        reasons.append(rule.pattern().isEmpty() ? "" : " " + rule.pattern());
      }
    }
    return reasons.toString();
  }

  private void summaryJson(Explain explain) {
    new JsonLines(shell.out())
        .object(json -> {
          json.writeStringField("format", explain.format());
          json.writeStringField("wrapper", explain.wrapper());
          for (Kind kind : Kind.values()) {
            json.writeNumberField(name(kind).replace(' ', '_'), count(explain, kind));
          }
          json.writeNumberField("disbelieved", explain.disbelieved());
          json.writeObjectFieldStart("stamps");
          for (Map.Entry<String, Long> stamp : explain.stamps().entrySet()) {
            json.writeNumberField(stamp.getKey(), stamp.getValue());
          }
          json.writeEndObject();
          json.writeObjectFieldStart("patterns");
          for (Map.Entry<String, Map<String, Long>> rule : explain.patterns().entrySet()) {
            json.writeObjectFieldStart(rule.getKey());
            for (Map.Entry<String, Long> pattern : rule.getValue().entrySet()) {
              json.writeNumberField(pattern.getKey(), pattern.getValue());
            }
            json.writeEndObject();
          }
          json.writeEndObject();
        });
  }

  // ---- a line

  private void line(Explain.Line line) {
    if (output.isJson()) {
      new JsonLines(shell.out()).object(json -> lineJson(json, line));
      return;
    }
    say(String.format(Locale.ROOT, "%-13s %s", "line", name(line.kind())));
    if (line.kind() == Kind.MISSED) {
      say("the line is of no known format, or not of the one given with --format");
      return;
    }
    field("format", line.format());
    field(
        "client",
        line.client() == null
            ? "none: " + line.addressOutcome()
            : line.client() + " seen as " + String.valueOf(line.seenAs()).toLowerCase(Locale.ROOT));
    field("time", line.time() == null ? "none" : Times.format(line.time()));
    line.fields().forEach(this::field);
    for (RuleOutcome rule : line.rules()) {
      field(
          "rule " + rule.rule(),
          rule.outcome().text() + (rule.pattern().isEmpty() ? "" : " " + rule.pattern()));
    }
  }

  private void field(String name, String value) {
    say(String.format(Locale.ROOT, "%-13s %s", name, value));
  }

  private static void lineJson(JsonGenerator json, Explain.Line line) throws IOException {
    json.writeStringField("kind", name(line.kind()));
    json.writeStringField("line", line.text());
    json.writeStringField("format", line.format());
    json.writeStringField("client", line.client() == null ? null : line.client().toString());
    json.writeStringField("seen_as", line.seenAs() == null ? null : line.seenAs().wireName());
    JsonLines.time(json, "time", line.time());
    json.writeObjectFieldStart("fields");
    for (Map.Entry<String, String> field : line.fields().entrySet()) {
      json.writeStringField(field.getKey(), field.getValue());
    }
    json.writeEndObject();
    json.writeArrayFieldStart("rules");
    for (RuleOutcome rule : line.rules()) {
      json.writeStartObject();
      json.writeStringField("rule", rule.rule());
      json.writeStringField("outcome", rule.outcome().text());
      json.writeStringField("pattern", rule.pattern());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private void say(String text) {
    shell.out().println(Printable.of(text));
  }
}
