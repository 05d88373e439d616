package io.ipsentry.cli;

import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanOutcome;
import io.ipsentry.cli.ConnectionOptions.Access;
import io.ipsentry.feed.FeedFormat;
import io.ipsentry.feed.FeedOptions;
import io.ipsentry.feed.FeedReader;
import io.ipsentry.feed.FeedReading;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code import list}: bans what is in a list. */
@Command(
    name = "list",
    header = "Ban the addresses of a list, once.",
    description = {
      "For a list that changes, write it into feeds: of the configuration in place of this. Formats"
          + " are those of feeds. Addresses that are protected or on the allowlist are refused and"
          + " counted: exit 1. Repeating an import is harmless.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry import list blocklist.txt --for 30d --reason 'old server'",
      "  cscli decisions list -o json | ip-sentry import list - --format crowdsec"
    })
final class ImportListCommand extends OperatorCommand {
  /** Bans that are asked for at once, so that the log takes many in one append. */
  private static final int AT_ONCE = 64;

  /** Refusals that are shown one by one. */
  private static final int MAX_SHOWN = 5;

  @Parameters(paramLabel = "FILE", description = "The list; - is standard input.")
  private String file = "";

  @Option(
      names = {"-f", "--format"},
      paramLabel = "FORMAT",
      completionCandidates = Formats.class,
      defaultValue = "auto",
      description = "How it is written: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private String format = "auto";

  @Option(
      names = "--for",
      paramLabel = "LENGTH",
      converter = Length.Converter.class,
      description =
          "Such as 24h, 7d, or permanent. Default: what the list says of each address (crowdsec),"
              + " else permanent.")
  private @Nullable Length length;

  @Option(names = "--reason", paramLabel = "TEXT", description = "For the log and the lists.")
  private String reason = "";

  /** Names of formats, for help and completion. */
  static final class Formats extends ArrayList<String> {
    private static final long serialVersionUID = 1;

    Formats() {
      super(FeedFormat.wireNames());
    }
  }

  /** A prefix to be banned; null: for ever. */
  private record Wanted(IpPrefix ip, @Nullable Duration length) {}

  /** What became of them. */
  private static final class Counts {
    final AtomicInteger done = new AtomicInteger();
    final AtomicInteger banned = new AtomicInteger();
    final AtomicInteger already = new AtomicInteger();
    final AtomicInteger refused = new AtomicInteger();
  }

  ImportListCommand(Shell shell) {
    super(shell);
  }

  @Override
  Access access() {
    return Access.CREATE;
  }

  @Override
  int act(BanOperations operations) {
    FeedReading.Read read = read();
    List<Wanted> wanted = wanted(read);
    Counts counts = new Counts();
    Progress progress = Progress.start(shell, wanted.size(), counts.done::get);
    try {
      ban(wanted, operations, counts);
    } finally {
      progress.end();
    }
    if (read.bad() > 0) {
      refuse(
          read.bad()
              + (read.bad() == 1 ? " entry" : " entries")
              + " cannot be read and are left out; "
              + read.shown().getFirst());
    }
    if (isJson()) {
      json()
          .object(fields -> {
            fields.writeStringField("format", read.format().wireName());
            fields.writeNumberField("banned", counts.banned.get());
            fields.writeNumberField("already_banned", counts.already.get());
            fields.writeNumberField("refused", counts.refused.get());
            fields.writeNumberField("skipped", read.skipped());
            fields.writeNumberField("bad", read.bad());
          });
    } else {
      say(
          "banned "
              + counts.banned.get()
              + ", already banned "
              + counts.already.get()
              + ", refused "
              + counts.refused.get()
              + ", left out "
              + (read.skipped() + read.bad()));
    }
    return counts.refused.get() > 0 ? ExitCode.NO : ExitCode.DONE;
  }

  private FeedReading.Read read() {
    FeedFormat known =
        FeedFormat.of(format)
            .orElseThrow(() ->
                CommandException.usage(
                    "unknown format '"
                        + format
                        + "'; known: "
                        + String.join(", ", FeedFormat.wireNames())));
    FeedOptions options = FeedOptions.DEFAULT.with(known);
    Instant now = shell.clock().instant();
    FeedReading reading;
    try (InputStream in =
        file.equals(LogOptions.STDIN) ? shell.in() : Files.newInputStream(Path.of(file))) {
      reading = FeedReader.read(in, options, now);
    } catch (NoSuchFileException e) {
      throw CommandException.failed("there is no list " + file, e);
    } catch (IOException e) {
      throw CommandException.failed("the list " + file + " cannot be read: " + e.getMessage(), e);
    }
    return switch (reading) {
      case FeedReading.Read read -> read;
      case FeedReading.Refused refused ->
          throw CommandException.failed("the list " + file + " is not taken: " + refused.reason());
    };
  }

  /** In order; what an entry says of its end is kept, unless a length was given. */
  private List<Wanted> wanted(FeedReading.Read read) {
    List<Wanted> wanted = new ArrayList<>();
    Instant now = shell.clock().instant();
    Length given = length;
    for (IpPrefix ip : read.content().lasting().prefixes()) {
      wanted.add(new Wanted(ip, given == null ? null : given.duration()));
    }
    for (Map.Entry<Instant, PrefixSet> group : read.content().ending().entrySet()) {
      Duration left = Duration.between(now, group.getKey());
      for (IpPrefix ip : group.getValue().prefixes()) {
        wanted.add(new Wanted(ip, given == null ? left : given.duration()));
      }
    }
    wanted.sort(Comparator.comparing(Wanted::ip));
    return wanted;
  }

  private void ban(List<Wanted> wanted, BanOperations operations, Counts counts) {
    AtomicInteger next = new AtomicInteger();
    AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
    String by = shell.author();
    Runnable work =
        () -> {
          try {
            int at = next.getAndIncrement();
            while (at < wanted.size() && failure.get() == null) {
              ban(wanted.get(at), operations, by, counts);
              counts.done.incrementAndGet();
              at = next.getAndIncrement();
            }
          } catch (RuntimeException e) { // one failure ends all, and is told once
            failure.compareAndSet(null, e);
          }
        };
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < Math.min(AT_ONCE, wanted.size()); i++) {
        all.add(threads.submit(work));
      }
      for (Future<?> each : all) {
        Object ignored = each.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw CommandException.failed("interrupted; what was banned stays banned", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
    RuntimeException failed = failure.get();
    if (failed != null) {
      refuse("stopped after " + counts.done.get() + " of " + wanted.size());
      throw failed;
    }
  }

  private void ban(Wanted each, BanOperations operations, String by, Counts counts) {
    BanOutcome outcome = operations.ban(each.ip(), each.length(), reason, by);
    switch (outcome) {
      case BanOutcome.Banned banned -> counts.banned.incrementAndGet();
      case BanOutcome.AlreadyBanned banned -> counts.already.incrementAndGet();
      case BanOutcome.Refused refused -> {
        if (counts.refused.getAndIncrement() < MAX_SHOWN) {
          synchronized (this) {
            refuse(each.ip() + " is not banned: " + refused.refusal().description());
          }
        }
      }
    }
  }
}
