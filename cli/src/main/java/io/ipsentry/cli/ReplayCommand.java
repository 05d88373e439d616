package io.ipsentry.cli;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.cli.Table.Column;
import io.ipsentry.watcher.Replay;
import io.ipsentry.watcher.ReplayInput;
import io.ipsentry.watcher.host.HostAddresses;
import java.io.IOException;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code replay}: shows what logs would have led to. */
@Command(
    name = "replay",
    header = "Show the bans that logs would have led to; nothing is changed.",
    description = {
      "Reads the logs to their ends, in event time: the same logs give the same bans on any day,"
          + " and their order does not matter. Rotated and gzipped logs are read as they are; -"
          + " is standard input. Bans go to standard output in the order of their time, the"
          + " summary to standard error. The addresses of this host are not taken into account.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry replay /var/log/nginx/access.log*",
      "  ip-sentry replay --format traefik-json -o json traefik.log | jq -r .ip",
      "  ip-sentry replay --config new-rules.yaml /var/log/nginx/access.log"
    })
final class ReplayCommand implements Callable<Integer> {
  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final OutputOption output = new OutputOption();
  @Mixin private final LogOptions options = new LogOptions();

  @Option(
      names = "--shadow",
      description = "Print what rules in shadow mode would have banned, too.")
  private boolean withShadow;

  @Parameters(
      arity = "1..*",
      paramLabel = "LOG",
      description = "Logs, plain or gzip; - is standard input.")
  private List<String> logs = List.of();

  /** Whether a filter reads the lines, most of which are then no failures. */
  private boolean filtered;

  ReplayCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() throws IOException {
    List<Path> files = LogOptions.existing(logs);
    LogOptions.Reading reading = options.reading(files, shell);
    long began = System.nanoTime();
    filtered = reading.source().format().filter() != null;
    Replay replay =
        new Replay(
            reading.config(),
            reading.source(),
            Protections.of(reading.config(), HostAddresses.NONE),
            ZoneId.systemDefault(),
            LogOptions.lastWritten(files, shell),
            this::sayFormat);
    Progress progress = Progress.start(shell, LogOptions.size(files), replay::bytesDone);
    Replay.Result result;
    try {
      result = replay.run(inputs());
    } finally {
      progress.end();
    }
    print(withShadow ? together(result) : result.bans());
    summary(result, (System.nanoTime() - began) / 1e9);
    return ExitCode.DONE;
  }

  private static List<BanEvent.Ban> together(Replay.Result result) {
    return Stream.concat(result.bans().stream(), result.shadowBans().stream())
        .sorted(Comparator.comparing(BanEvent.Ban::at).thenComparing(BanEvent.Ban::ip))
        .toList();
  }

  private List<ReplayInput> inputs() {
    return logs.stream()
        .map(log ->
            log.equals(LogOptions.STDIN)
                ? (ReplayInput) new ReplayInput.LogStream("standard input", shell.in())
                : new ReplayInput.LogFile(Path.of(log)))
        .toList();
  }

  private void sayFormat(String log, String format) {
    shell.err().println(Printable.of(log + ": format " + format));
  }

  private void print(List<BanEvent.Ban> bans) {
    JsonLines json = new JsonLines(shell.out());
    Table table =
        Table.on(
            shell,
            Column.text("BANNED AT"),
            Column.text("IP"),
            Column.text("UNTIL"),
            Column.flexible("RULE"),
            Column.number("HITS"),
            Column.flexible("REASON"));
    for (BanEvent.Ban ban : bans) {
      if (output.isJson()) {
        json.object(fields -> {
          fields.writeStringField("ip", ban.ip().toString());
          JsonLines.time(fields, "banned_at", ban.at());
          JsonLines.time(fields, "expires_at", ban.until());
          fields.writeStringField("rule", ban.rule());
          fields.writeStringField("reason", ban.reason());
          fields.writeNumberField("hit_count", ban.hits());
        });
      } else {
        table.row(
            Times.format(ban.at()),
            ban.ip().toString(),
            Times.end(ban.until()),
            ban.rule(),
            String.valueOf(ban.hits()),
            ban.reason());
      }
    }
    table.flush();
  }

  private void summary(Replay.Result result, double seconds) {
    if (!withShadow && !result.shadowBans().isEmpty()) {
      say(
          "rules in shadow mode would have made "
              + result.shadowBans().size()
              + " bans more; --shadow prints them");
    }
    result.problems().forEach(problem -> say("not read to its end: " + problem));
    if (result.unmatched() > 0 && !filtered) {
      say(
          result.unmatched()
              + " of "
              + result.lines()
              + " lines are not of the format; ip-sentry explain shows them");
    }
    if (result.withoutAddress() > 0) {
      say(result.withoutAddress() + " hits have no client address");
    }
    if (result.refused() > 0) {
      say(
          result.refused()
              + " bans were not made, because the address is protected; is the client's address in"
              + " the log, or that of a proxy?");
    }
    say(
        String.format(
            Locale.ROOT,
            "lines=%d matched=%d bans=%d seconds=%.3f lines_per_second=%.0f",
            result.lines(),
            result.matched(),
            result.bans().size(),
            seconds,
            result.lines() / seconds));
  }

  private void say(@Nullable String text) {
    shell.err().println(Printable.of(String.valueOf(text)));
  }
}
