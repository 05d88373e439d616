package io.ipsentry.cli;

import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.CompactedException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code watch}: shows events as they happen. */
@Command(
    name = "watch",
    header = "Show events as they happen, until interrupted.",
    description = {
      "Every event comes once, in order, without gaps. If the connection is lost, the exit code is"
          + " 3; go on with --from and the next number. Events that are no longer kept"
          + " (store.keepHistory) cannot be shown: exit code 3, and the message names the oldest.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry watch",
      "  ip-sentry watch --from 1 -o json",
      "  ip-sentry watch --limit 1         # wait for the next event"
    })
final class WatchCommand extends OperatorCommand {
  @Option(
      names = "--from",
      paramLabel = "SEQ",
      description = "Begin with the event of this number. Default: only new events.")
  private long from;

  @Option(names = "--limit", paramLabel = "N", description = "Stop after N events. Default: never.")
  private long limit = Long.MAX_VALUE;

  WatchCommand(Shell shell) {
    super(shell);
  }

  @Override
  int act(BanOperations operations) {
    if (from < 0 || limit < 1) {
      throw CommandException.usage("--from and --limit must be 1 or more");
    }
    Printer printer = new Printer();
    BanLog.Subscription subscription = operations.watch(from, printer);
    try {
      return printer.await();
    } finally {
      subscription.close();
    }
  }

  /** Prints events until there were enough, the reader of our output has gone, or it fails. */
  private final class Printer implements BanLog.Sink {
    private final CompletableFuture<Integer> end = new CompletableFuture<>();
    private final EventTable table = new EventTable(shell);
    private long left = limit;
    private volatile long last;

    @Override
    public void events(List<SequencedEvent> events) {
      for (SequencedEvent event : events) {
        if (left == 0) {
          return;
        }
        if (isJson()) {
          shell.out().append(BanEventJson.toLine(event)).append('\n');
        } else {
          table.row(event);
        }
        last = event.seq();
        left--;
      }
      table.flush();
      if (left == 0 || shell.out().checkError()) {
        end.complete(ExitCode.DONE);
      }
    }

    @Override
    public void failed(RuntimeException cause) {
      end.completeExceptionally(cause);
    }

    int await() {
      try {
        return end.get();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return ExitCode.DONE;
      } catch (ExecutionException e) {
        if (e.getCause() instanceof CompactedException gone) {
          throw CommandException.failed(
              "event "
                  + (last == 0 ? from : last + 1)
                  + " is no longer kept (store.keepHistory); the oldest from which all are kept is "
                  + gone.firstKept()
                  + ": go on with --from "
                  + gone.firstKept(),
              gone);
        }
        throw Optional.ofNullable(e.getCause())
            .filter(RuntimeException.class::isInstance)
            .map(RuntimeException.class::cast)
            .orElseGet(() -> CommandException.failed("the watch has failed", e));
      }
    }
  }
}
