package io.ipsentry.cli;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.cli.Table.Column;

/** Events as rows. */
final class EventTable {
  private final Table table;

  EventTable(Shell shell) {
    table =
        Table.on(
            shell,
            Column.number("SEQ"),
            Column.text("AT"),
            Column.text("EVENT"),
            Column.text("IP"),
            Column.text("UNTIL"),
            Column.flexible("RULE"),
            Column.flexible("BY"),
            Column.flexible("REASON"));
  }

  void row(SequencedEvent sequenced) {
    BanEvent event = sequenced.event();
    switch (event) {
      case BanEvent.Ban ban ->
          row(
              sequenced,
              "ban",
              ban.ip().toString(),
              Times.end(ban.until()),
              ban.rule(),
              ban.reason());
      case BanEvent.Unban unban ->
          row(sequenced, "unban", unban.ip().toString(), "", "", unban.reason());
      case BanEvent.Allow allow ->
          row(
              sequenced,
              "allow",
              allow.ip().toString(),
              Times.end(allow.until()),
              "",
              allow.reason());
      case BanEvent.Disallow disallow ->
          row(sequenced, "disallow", disallow.ip().toString(), "", "", disallow.reason());
      case BanEvent.Feed feed ->
          row(
              sequenced,
              "feed",
              "",
              "",
              feed.feed(),
              feed.entries() + " entries, " + feed.digest());
    }
  }

  private void row(
      SequencedEvent event, String kind, String ip, String until, String rule, String reason) {
    table.row(
        String.valueOf(event.seq()),
        Times.format(event.event().at()),
        kind,
        ip,
        until,
        rule,
        event.event().by(),
        reason);
  }

  /** Prints what is held back. */
  void flush() {
    table.flush();
  }
}
