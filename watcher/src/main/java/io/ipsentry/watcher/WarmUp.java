package io.ipsentry.watcher;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.detection.Detection;
import io.ipsentry.detection.DetectionObserver;
import io.ipsentry.rule.RuleEngine;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.watcher.source.SourceLoop;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bans addresses of the documentation by lines of a log of its own, into a store of its own, and
 * throws both away: so that the first ban of a new process finds the code loaded. Without it that
 * one takes 30 to 100 ms more, and a prober gets as many answers.
 *
 * <p>It is the code that reads, judges and appends, from the file to the disk; nothing that anybody
 * else looks at is touched, and nothing is logged of the bans.
 */
public final class WarmUp {
  /** The classes are loaded after the first; the rest is for the compiler. */
  private static final int BANS = 60;

  /** On a slow machine fewer must do: lines that are written meanwhile wait. */
  private static final Duration LONGEST = Duration.ofMillis(800);

  /** The first one is what it is for, and would take as long later. */
  private static final Duration LONGEST_FIRST = Duration.ofSeconds(10);

  private static final int THRESHOLD = 3;

  /** As many tracked addresses as need be. */
  private static final long TRACKED_BYTES = 1 << 20;

  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT);

  private static final Logger logger = LoggerFactory.getLogger(WarmUp.class);

  private final Path directory;
  private final Path log;
  private final InstantSource clock;

  private WarmUp(Path directory, InstantSource clock) {
    this.directory = directory;
    log = directory.resolve("access.log");
    this.clock = clock;
  }

  /**
   * Bans until there were enough or the time is up. Where it cannot be done that is said, and the
   * first ban is slow.
   *
   * @param store beside which a directory is made for a moment; what one that was killed has left
   *     there is removed
   * @return bans that were made
   */
  public static int run(Path store, InstantSource clock) {
    long begin = System.nanoTime();
    Path directory = store.resolveSibling(store.getFileName() + ".warm-up");
    int bans = 0;
    try {
      remove(directory);
      Files.createDirectory(
          directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      try {
        bans = new WarmUp(directory, clock).run(begin);
      } finally {
        remove(directory);
      }
      logger
          .atInfo()
          .addKeyValue("bans", bans)
          .addKeyValue("millis", Duration.ofNanos(System.nanoTime() - begin).toMillis())
          .log("warmed up");
    } catch (IOException | UncheckedIOException | BanLogException e) {
      logger.atWarn().setCause(e).log("cannot warm up; the first bans may be slow");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return bans;
  }

  private int run(long begin) throws IOException, InterruptedException {
    Files.createFile(log);
    Config config = config();
    RuleSet rules = RuleSet.compile(config.rules());
    BanPolicy policy = new BanPolicy(Watcher.policySettings(config, 0));
    try (SqliteBanLog bans = SqliteBanLog.open(directory.resolve("bans.db"))) {
      BanWriter writer = BanWriter.start(bans, clock, policy::observe);
      Detection detection =
          new Detection(
              new RuleEngine(rules, TRACKED_BYTES, config.ipv6().countPrefix()),
              policy,
              writer,
              ProtectedPrefixes.NONE,
              DetectionObserver.NONE,
              reached -> clock.instant());
      PipelineFactory pipelines = new PipelineFactory(ZoneOffset.UTC, clock, (label, format) -> {});
      try (Sources sources =
          new Sources(
              pipelines,
              detection::hit,
              rules,
              InputStream.nullInputStream(),
              PodLogsOpener.NONE,
              clock,
              null)) {
        sources.replace(config.sources(), rules);
        try (SourceLoop loop = new SourceLoop(sources.open())) {
          boolean ignored = loop.poll();
          return ban(loop, detection, writer.state(), begin);
        }
      }
    }
  }

  private int ban(SourceLoop loop, Detection detection, ActiveBans state, long begin)
      throws IOException, InterruptedException {
    int written = 0;
    while (state.head() < BANS && hasTime(state, begin)) {
      if (written == state.head()) {
        written++;
        writeLines("192.0.2." + written);
      }
      boolean more = loop.poll();
      detection.release(clock.instant());
      if (detection.flush() && !more && written > state.head()) {
        loop.awaitWork(SourceLoop.MAX_WAIT);
      }
    }
    return (int) state.head();
  }

  private static boolean hasTime(ActiveBans state, long begin) {
    Duration longest = state.head() == 0 ? LONGEST_FIRST : LONGEST;
    return System.nanoTime() - begin < longest.toNanos();
  }

  private void writeLines(String client) throws IOException {
    String stamp = STAMP.format(ZonedDateTime.ofInstant(clock.instant(), ZoneOffset.UTC));
    String line =
        "%s - - [%s] \"GET /.env HTTP/1.1\" 404 153 \"-\" \"ip-sentry\"\n".formatted(client, stamp);
    Files.writeString(log, line.repeat(THRESHOLD), StandardOpenOption.APPEND);
  }

  private Config config() {
    String yaml =
        """
        sources: [{ file: "%s", format: combined }]
        rules:
          - name: warm-up
            match: { paths: ['^/\\.env'] }
            ignore: { paths: ['\\.css$'] }
            threshold: %d
            window: 10m
            ban: { for: 1h, escalate: { multipliers: [1, 5] } }
        """
            .formatted(log, THRESHOLD);
    return new ConfigLoader()
        .parse("warm-up", yaml.getBytes(StandardCharsets.UTF_8), directory)
        .orThrow();
  }

  private static void remove(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    List<Path> inside;
    try (Stream<Path> files = Files.walk(directory)) {
      inside = files.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : inside) {
      Files.deleteIfExists(file);
    }
  }
}
