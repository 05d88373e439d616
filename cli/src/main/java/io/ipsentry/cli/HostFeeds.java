package io.ipsentry.cli;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.FeedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.FeedContents;
import io.ipsentry.banlog.SqliteFeedStore;
import io.ipsentry.config.FeedConfig;
import io.ipsentry.kubernetes.feed.FeedFollower;
import io.ipsentry.kubernetes.feed.KeptFeeds;
import io.ipsentry.rule.Tags;
import io.ipsentry.watcher.feed.FeedRanges;
import io.ipsentry.watcher.feed.FeedRunner;
import io.ipsentry.watcher.feed.FeedStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The feeds of {@code run}: kept in a file beside the ban log, in force as soon as that is read,
 * and fetched when they are due. Nothing of it is opened where there are none. Safe for any thread.
 */
final class HostFeeds implements AutoCloseable {
  private final Parts parts;
  private volatile @Nullable Opened opened;

  /**
   * What it works with.
   *
   * @param banLog that the feeds belong to
   * @param tagged is shown what is tagged whenever that has changed
   * @param protecting is shown what feeds protect whenever that may have changed
   * @param changed called when {@link #feeds} has changed
   */
  record Parts(
      Path banLog,
      BanWriter writer,
      Supplier<ProtectedPrefixes> protection,
      Consumer<Tags> tagged,
      Consumer<FeedRanges> protecting,
      Runnable changed,
      InstantSource clock) {}

  /** What is there once there are feeds. */
  private record Opened(
      SqliteFeedStore store,
      FeedFollower follower,
      FeedContents contents,
      Optional<FeedRunner> runner) {}

  /** Puts in force what is kept; {@link #reload} fetches. */
  HostFeeds(Parts parts) {
    this.parts = parts;
    boolean has =
        Files.exists(SqliteFeedStore.pathBeside(parts.banLog()))
            || !parts.writer().state().feeds().isEmpty();
    if (has) {
      opened = open();
    }
  }

  /** What is kept beside a ban log of the feeds that protect. */
  static FeedRanges kept(Path banLog, List<FeedConfig> feeds) {
    Path file = SqliteFeedStore.pathBeside(banLog);
    if (!Files.exists(file)) {
      return FeedRanges.NONE;
    }
    try (SqliteFeedStore store = SqliteFeedStore.open(file)) {
      return FeedRunner.kept(store, feeds);
    }
  }

  private Opened open() {
    SqliteFeedStore store = SqliteFeedStore.open(SqliteFeedStore.pathBeside(parts.banLog()));
    FeedFollower follower =
        new FeedFollower(
            new FeedFollower.Parts(
                store::get,
                feeds -> parts.changed().run(),
                Duration.ZERO,
                System::nanoTime,
                new SecureRandom()));
    follower.replaced(parts.writer().state());
    return new Opened(store, follower.start(), new KeptFeeds(store::get), Optional.empty());
  }

  /** Goes by these feeds. */
  synchronized void reload(List<FeedConfig> feeds) {
    Opened known = opened;
    if (known == null) {
      if (feeds.isEmpty()) {
        return;
      }
      known = open();
      opened = known;
      // What was announced before it was told of events.
      known.follower().replaced(parts.writer().state());
    }
    if (known.runner().isPresent()) {
      known.runner().get().reload(feeds);
      return;
    }
    FeedRunner runner =
        FeedRunner.start(
            new FeedRunner.Environment(
                known.store(),
                parts.tagged(),
                parts.protecting(),
                parts.writer(),
                parts.protection(),
                parts.clock(),
                new SecureRandom(),
                "ip-sentry/" + Version.text()),
            feeds);
    opened = new Opened(known.store(), known.follower(), known.contents(), Optional.of(runner));
  }

  /** An event was taken into the bans. */
  void event(BanEvent event) {
    Opened known = opened;
    if (known != null) {
      known.follower().applied(event, parts.writer().state());
    }
  }

  /** Whether there are feeds, or were. */
  boolean isOpen() {
    return opened != null;
  }

  /** The prefixes in force. */
  FeedPrefixes feeds() {
    Opened known = opened;
    return known == null ? FeedPrefixes.NONE : known.follower().feeds();
  }

  /** Whether what the log names was loaded once, or could not be for a while. */
  boolean isSettled() {
    Opened known = opened;
    return known == null || known.follower().isSettled();
  }

  /** Feeds that are not as the log says, and why. */
  Map<String, String> problems() {
    Opened known = opened;
    return known == null ? Map.of() : known.follower().problems();
  }

  /** For who asks which feed holds an address. */
  FeedContents contents() {
    return feed -> {
      Opened known = opened;
      return known == null ? Optional.empty() : known.contents().prefixes(feed);
    };
  }

  /** How each feed is. */
  List<FeedStatus> status() {
    Opened known = opened;
    return known == null ? List.of() : known.runner().map(FeedRunner::status).orElse(List.of());
  }

  @Override
  public synchronized void close() {
    Opened known = opened;
    if (known != null) {
      known.runner().ifPresent(FeedRunner::close);
      known.follower().close();
      known.store().close();
    }
  }
}
