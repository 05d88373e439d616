package io.ipsentry.cli;

import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.Page;
import io.ipsentry.cli.Table.Column;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code list}: shows the bans that stand. */
@Command(
    name = "list",
    header = "Show the bans that stand, the allowlist, or the feeds.",
    description = {
      "In order of addresses. A ban that refuses nobody, because the address is allowed or"
          + " protected, is marked. Times are UTC.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry list",
      "  ip-sentry list --at 2026-11-21T07:00:00Z",
      "  ip-sentry list --at 2h            # as it was two hours ago",
      "  ip-sentry list --allowed",
      "  ip-sentry list --feeds",
      "  ip-sentry list -o json | jq -r .ip"
    })
final class ListCommand extends OperatorCommand {
  private static final int PAGE_ENTRIES = 5_000;

  @Option(
      names = "--at",
      paramLabel = "TIME",
      description = "As it was then: RFC 3339, a date, or how long ago (90m, 7d).")
  private @Nullable String at;

  @Option(names = "--allowed", description = "The allowlist in place of the bans.")
  private boolean allowed;

  @Option(
      names = "--feeds",
      description =
          "The feeds in place of the bans. Whose prefixes hold an address is told by get.")
  private boolean feeds;

  ListCommand(Shell shell) {
    super(shell);
  }

  @Override
  int act(BanOperations operations) {
    Instant moment = at == null ? null : time(at);
    if (allowed && feeds) {
      throw CommandException.usage("--allowed and --feeds are two lists; give one of them");
    }
    if (feeds) {
      listFeeds(operations.listFeeds(moment));
    } else if (allowed) {
      listAllowed(operations, moment);
    } else {
      listBans(operations, moment);
    }
    return ExitCode.DONE;
  }

  private Instant time(String text) {
    return Times.parse(text, shell.clock().instant())
        .orElseThrow(() ->
            CommandException.usage(
                "--at: '"
                    + text
                    + "' is no time; write 2026-11-21T07:00:00Z, or how long ago,"
                    + " such as 90m"));
  }

  private void listBans(BanOperations operations, @Nullable Instant moment) {
    JsonLines json = json();
    Table table =
        Table.on(
            shell,
            Column.text("IP"),
            Column.text("LEFT"),
            Column.text("BANNED AT"),
            Column.flexible("RULE"),
            Column.number("HITS"),
            Column.flexible("BY"),
            Column.flexible("REASON"));
    String token = "";
    do {
      Page<ListedBan> page = operations.list(moment, PAGE_ENTRIES, token);
      for (ListedBan listed : page.entries()) {
        if (isJson()) {
          json.object(fields -> BanFields.listed(fields, listed));
        } else {
          table.row(row(listed, page.at()));
        }
      }
      token = page.next();
    } while (!token.isEmpty() && !shell.out().checkError());
    table.flush();
  }

  private static String[] row(ListedBan listed, Instant at) {
    BanEvent.Ban ban = listed.ban();
    String mark = listed.inForce() ? "" : "(without force) ";
    String scope = ban.scope() == null ? "" : "(only " + ban.scope() + ") ";
    return new String[] {
      ban.ip().toString(),
      Times.left(at, ban.until()),
      Times.format(ban.at()),
      ban.rule(),
      String.valueOf(ban.hits()),
      ban.by(),
      mark + scope + ban.reason()
    };
  }

  private void listFeeds(Page<FeedState> page) {
    JsonLines json = json();
    Table table =
        Table.on(
            shell,
            Column.flexible("FEED"),
            Column.number("PREFIXES"),
            Column.text("SINCE"),
            Column.flexible("BY"),
            Column.flexible("DIGEST"));
    for (FeedState state : page.entries()) {
      BanEvent.Feed feed = state.feed();
      if (isJson()) {
        json.object(fields -> BanFields.feed(fields, state));
      } else {
        table.row(
            feed.feed(),
            String.valueOf(feed.entries()),
            Times.format(feed.at()),
            feed.by(),
            feed.digest());
      }
    }
    table.flush();
  }

  private void listAllowed(BanOperations operations, @Nullable Instant moment) {
    JsonLines json = json();
    Table table =
        Table.on(
            shell,
            Column.text("IP"),
            Column.text("LEFT"),
            Column.text("ALLOWED AT"),
            Column.flexible("BY"),
            Column.flexible("REASON"));
    String token = "";
    do {
      Page<Allowance> page = operations.listAllowed(moment, PAGE_ENTRIES, token);
      for (Allowance entry : page.entries()) {
        BanEvent.Allow allow = entry.allow();
        if (isJson()) {
          json.object(fields -> BanFields.allowance(fields, entry));
        } else {
          table.row(
              allow.ip().toString(),
              Times.left(page.at(), allow.until()),
              Times.format(allow.at()),
              allow.by(),
              allow.reason());
        }
      }
      token = page.next();
    } while (!token.isEmpty() && !shell.out().checkError());
    table.flush();
  }
}
