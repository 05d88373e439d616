package io.ipsentry.watcher.feed;

import static io.ipsentry.watcher.feed.ListServer.list;
import static io.ipsentry.watcher.feed.ListServer.status;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.SqliteFeedStore;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.FeedConfig;
import io.ipsentry.net.PrefixSet;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ranges of a CDN from a real server, with a clock that is moved. */
final class ProtectingFeedIT {
  private static final FeedFetcher.Limits LIMITS =
      new FeedFetcher.Limits(Duration.ofSeconds(5), Duration.ofSeconds(20), 1 << 20);
  private static final String EDGE = "203.0.113.0/26\n198.51.100.0/24\n192.0.2.0/25\n2001:db8::/32";
  private static final PrefixSet RANGES =
      PrefixSet.parse("203.0.113.0/26", "198.51.100.0/24", "192.0.2.0/25", "2001:db8::/32");

  @TempDir private Path directory;
  private final InMemoryBanLog log = new InMemoryBanLog();
  private Instant now = Instant.parse("2026-11-26T12:00:00Z");
  private final BanWriter writer = BanWriter.start(log, () -> now, event -> {});
  private SqliteFeedStore store;
  private ListServer server;

  @BeforeEach
  void open() throws IOException {
    store = SqliteFeedStore.open(directory.resolve("bans.db-feeds"));
    server = ListServer.start();
  }

  @AfterEach
  void close() {
    server.close();
    store.close();
    log.close();
  }

  private FeedConfig config(String action) {
    String yaml =
        "feeds: [{ name: cdn, every: 24h, url: \"%s\", action: %s }]"
            .formatted(server.url("/ips"), action);
    return new ConfigLoader()
        .parse("test.yaml", yaml.getBytes(UTF_8), directory)
        .orThrow()
        .feeds()
        .getFirst();
  }

  private FeedKeeper keeper(String action) {
    FeedKeeper keeper =
        new FeedKeeper(
            config(action),
            store.records().stream().findFirst().orElse(null),
            new FeedRunner.Parts(
                store,
                writer,
                () -> ProtectedPrefixes.NONE,
                () -> now,
                new Random(1),
                "ip-sentry/test",
                LIMITS,
                new Semaphore(1),
                () -> {}));
    assertThat(keeper.resume()).isTrue();
    return keeper;
  }

  private void step(FeedKeeper keeper) throws InterruptedException {
    if (keeper.dueAt().isAfter(now)) {
      now = keeper.dueAt();
    }
    keeper.step();
  }

  @Test
  void step_listThatIsEmptyBrokenOrTooWide_keepsWhatWasKnown() throws Exception {
    server.answers(list(EDGE, "\"one\""));
    FeedKeeper keeper = keeper("protect");
    step(keeper);
    assertThat(keeper.inForce()).isEqualTo(RANGES);

    List<String> doubtful =
        List.of(
            "",
            "# gone\n",
            "<html>Sorry</html>",
            "203.0.113.0/26\n",
            EDGE + "\n0.0.0.0/0\n",
            EDGE + "\n::/0\n",
            EDGE + "\n203.0.0.0/9\n",
            EDGE + "\nnot an address\n");
    for (String list : doubtful) {
      server.answers(list(list, "\"bad\""));
      step(keeper);
      assertThat(keeper.status().problem()).as(list).startsWith("refused: ");
      assertThat(keeper.inForce()).as(list).isEqualTo(RANGES);
      assertThat(server.last().header("If-None-Match")).isEqualTo("\"one\"");
    }
    assertThat(keeper.status().refused()).isEqualTo(doubtful.size());

    server.answers(list(EDGE + "\n203.0.113.64/26\n", "\"two\""), status(304));
    step(keeper);
    assertThat(keeper.status().problem()).isEmpty();
    assertThat(keeper.inForce().size()).isEqualTo(5);
    step(keeper);
    assertThat(server.last().header("If-None-Match")).isEqualTo("\"two\"");
    assertThat(keeper.status().confirmedAt()).isEqualTo(now);
    assertThat(log.read(1, 10)).as("nobody is banned by it").isEmpty();
  }

  @Test
  void step_sourceThatIsSilentForMonths_isNotWithdrawn() throws Exception {
    server.answers(list(EDGE, "\"one\""), status(500));
    FeedKeeper keeper = keeper("protect");
    step(keeper);
    Instant confirmed = now;

    while (now.isBefore(confirmed.plus(Duration.ofDays(90)))) {
      step(keeper);
    }

    assertThat(keeper.inForce()).isEqualTo(RANGES);
    assertThat(keeper.status().confirmedAt()).as("its age is told").isEqualTo(confirmed);
    assertThat(keeper.status().failures()).isGreaterThan(60);
  }

  @Test
  void kept_afterARestartWithoutNetwork_isWhatWasKnown() throws Exception {
    server.answers(list(EDGE, "\"one\""));
    FeedConfig protecting = config("protect");
    assertThat(FeedRunner.kept(store, List.of(protecting)).unread()).containsExactly("cdn");
    step(keeper("protect"));
    server.close();

    assertThat(FeedRunner.kept(store, List.of(protecting)).known()).containsEntry("cdn", RANGES);
    assertThat(FeedRunner.kept(store, List.of(config("ban")))).isEqualTo(FeedRanges.NONE);
    assertThat(keeper("protect").inForce()).isEqualTo(RANGES);
  }

  @Test
  void resume_contentThatWasToBan_protectsNobodyBeforeItIsFetchedAnew() throws Exception {
    server.answers(list(EDGE, "\"one\""));
    step(keeper("ban"));

    FeedKeeper protecting = keeper("protect");
    assertThat(protecting.inForce().isEmpty()).isTrue();
    assertThat(FeedRunner.kept(store, List.of(config("protect"))).known()).isEmpty();
    assertThat(protecting.dueAt()).isEqualTo(now);
    step(protecting);
    assertThat(server.last().header("If-None-Match")).isEmpty();
    assertThat(protecting.inForce()).isEqualTo(RANGES);

    FeedKeeper banning = keeper("ban");
    assertThat(banning.inForce().isEmpty()).as("nor the reverse").isTrue();
  }

  @Test
  void start_ofARunner_tellsRangesAsSoonAsTheyCome() throws Exception {
    server.answers(list(EDGE, "\"one\""));
    AtomicReference<FeedRanges> told = new AtomicReference<>(FeedRanges.NONE);
    FeedRunner.Environment with =
        new FeedRunner.Environment(
            store,
            tags -> {},
            told::set,
            writer,
            () -> ProtectedPrefixes.NONE,
            () -> now,
            new Random(1),
            "ip-sentry/test");
    try (FeedRunner runner = FeedRunner.start(with, List.of(config("protect")), LIMITS)) {
      await().until(() -> told.get().known().equals(Map.of("cdn", RANGES)));

      runner.reload(List.of());
      await("removed").until(() -> told.get().equals(FeedRanges.NONE));
      await("forgotten").until(() -> store.records().isEmpty());
    }
  }

  @Test
  void after_feedThatCannotBeReadYet_hasWhatWasKnownOfIt() {
    FeedRanges before = new FeedRanges(Map.of("cdn", RANGES), Set.of());

    FeedRanges now = new FeedRanges(Map.of(), Set.of("cdn", "other")).after(before);

    assertThat(now.known()).containsExactly(Map.entry("cdn", RANGES));
    assertThat(now.unread()).containsExactly("other");
    assertThat(FeedRanges.unread(List.of(config("protect"), config("tag"))).after(before))
        .as("when the store cannot be reached")
        .isEqualTo(before);
    assertThat(FeedRanges.NONE.after(before).known()).as("configured no more").isEmpty();
  }
}
