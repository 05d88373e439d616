package io.ipsentry.cli;

import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.Page;
import io.ipsentry.config.Config;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.watcher.host.HostAddresses;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code export}: writes who is banned for other programs. */
@Command(
    name = "export",
    header = "Write who is banned, for other programs.",
    description = {
      "What is allowed, or protected by the configuration of this host, is left out, and prefixes"
          + " that hold some of it are written as those around it. Bans that hold for one policy"
          + " alone are left out and counted. Nothing tells the other program when bans come and"
          + " go: export again.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry export --format nginx > /etc/nginx/banned.conf && nginx -s reload",
      "  ip-sentry export --format ipset --feeds | ipset restore",
      "  ip-sentry export --format crowdsec | cscli decisions import -i - --format json"
    })
final class ExportCommand implements Callable<Integer> {
  private static final int PAGE_ENTRIES = 5_000;

  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final ConnectionOptions connection = new ConnectionOptions();

  @Option(
      names = {"-f", "--format"},
      paramLabel = "FORMAT",
      completionCandidates = Formats.class,
      defaultValue = "plain",
      description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private String format = "plain";

  @Option(names = "--feeds", description = "Also what feeds ban.")
  private boolean feeds;

  /** Names of formats, for help and completion. */
  static final class Formats extends ArrayList<String> {
    private static final long serialVersionUID = 1;

    Formats() {
      super(ExportFormat.wireNames());
    }
  }

  ExportCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() {
    ExportFormat wanted =
        ExportFormat.of(format)
            .orElseThrow(() ->
                CommandException.usage(
                    "unknown format '"
                        + format
                        + "'; known: "
                        + String.join(", ", ExportFormat.wireNames())));
    Config config = connection.config(shell);
    try (BanOperations operations = connection.open(shell, ConnectionOptions.Access.EXISTING)) {
      PrefixSet spared =
          Protections.of(config, HostAddresses.NONE).prefixes().union(allowed(operations));
      ExportFormat.Writer writer = wanted.begin(shell.out(), shell.clock().instant());
      int unread = 0;
      writeBans(operations, spared, writer);
      if (feeds) {
        unread = writeFeeds(operations, spared, writer);
      }
      writer.end();
      shell.out().flush();
      return unread == 0 ? ExitCode.DONE : ExitCode.FAILED;
    }
  }

  private static PrefixSet allowed(BanOperations operations) {
    List<IpPrefix> allowed = new ArrayList<>();
    String token = "";
    do {
      Page<Allowance> page = operations.listAllowed(null, PAGE_ENTRIES, token);
      page.entries().forEach(entry -> allowed.add(entry.allow().ip()));
      token = page.next();
    } while (!token.isEmpty());
    return PrefixSet.of(allowed);
  }

  private void writeBans(BanOperations operations, PrefixSet spared, ExportFormat.Writer writer) {
    int scoped = 0;
    String token = "";
    do {
      Page<ListedBan> page = operations.list(null, PAGE_ENTRIES, token);
      for (ListedBan listed : page.entries()) {
        BanEvent.Ban ban = listed.ban();
        if (ban.scope() != null) {
          scoped++;
        } else if (listed.inForce()) {
          write(
              PrefixSet.of(List.of(ban.ip())),
              spared,
              ban.until(),
              ban.rule(),
              ban.reason(),
              writer);
        }
      }
      token = page.next();
    } while (!token.isEmpty() && !shell.out().checkError());
    if (scoped > 0) {
      say(
          scoped
              + (scoped == 1 ? " ban holds" : " bans hold")
              + " for one policy alone and "
              + (scoped == 1 ? "is" : "are")
              + " left out");
    }
  }

  /** Returns how many could not be read. */
  private int writeFeeds(BanOperations operations, PrefixSet spared, ExportFormat.Writer writer) {
    int unread = 0;
    for (FeedState state : operations.listFeeds(null).entries()) {
      BanEvent.Feed feed = state.feed();
      Optional<PrefixSet> prefixes = operations.feedPrefixes(feed);
      if (prefixes.isEmpty()) {
        unread++;
        say("the feed " + feed.feed() + " cannot be read now and is left out");
      } else {
        write(prefixes.get(), spared, null, feed.feed(), "feed", writer);
      }
    }
    return unread;
  }

  private static void write(
      PrefixSet prefixes,
      PrefixSet spared,
      @Nullable Instant until,
      String rule,
      String reason,
      ExportFormat.Writer writer) {
    prefixes
        .minus(spared)
        .prefixes()
        .forEach(ip -> writer.entry(new ExportFormat.Entry(ip, until, rule, reason)));
  }

  private void say(String line) {
    shell.err().println(Printable.of("ip-sentry: " + line));
  }
}
