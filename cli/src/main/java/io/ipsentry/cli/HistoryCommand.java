package io.ipsentry.cli;

import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanHistory;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code history}: shows what happened. */
@Command(
    name = "history",
    header = "Show what happened to an address, or everything, newest first.",
    description = {
      "Of an address, what happened to prefixes that contain it and to those in it is shown too."
          + " JSON is the events as they are in the log.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry history 203.0.113.7",
      "  ip-sentry history --limit 20",
      "  ip-sentry history -o json"
    })
final class HistoryCommand extends OperatorCommand {
  private static final int PAGE_ENTRIES = 5_000;

  @Parameters(
      arity = "0..1",
      paramLabel = "IP",
      description = "Address or prefix. Default: everything.")
  private @Nullable IpPrefix ip;

  @Option(names = "--limit", paramLabel = "N", description = "Show the newest N events only.")
  private long limit = Long.MAX_VALUE;

  HistoryCommand(Shell shell) {
    super(shell);
  }

  @Override
  int act(BanOperations operations) {
    if (limit < 1) {
      throw CommandException.usage("--limit must be 1 or more");
    }
    EventTable table = new EventTable(shell);
    long left = limit;
    long before = BanHistory.FROM_NEWEST;
    while (left > 0 && !shell.out().checkError()) {
      int size = (int) Math.min(left, PAGE_ENTRIES);
      List<SequencedEvent> events = operations.history(ip, before, size);
      for (SequencedEvent event : events) {
        if (isJson()) {
          shell.out().append(BanEventJson.toLine(event)).append('\n');
        } else {
          table.row(event);
        }
      }
      if (events.size() < size) {
        break;
      }
      before = events.getLast().seq();
      left -= events.size();
    }
    table.flush();
    return ExitCode.DONE;
  }
}
