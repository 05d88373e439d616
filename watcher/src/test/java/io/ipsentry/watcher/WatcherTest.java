package io.ipsentry.watcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.Protection;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.Checkpoints;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.InMemoryCheckpoints;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.banlog.SqliteCheckpoints;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.watcher.metrics.LatencyHistogram;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A watcher on real files and a real store. */
class WatcherTest {
  private static final DateTimeFormatter CLF =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT).withZone(ZoneOffset.UTC);
  private static final String RULE =
      """
        match: { packs: [default] }
        threshold: 3
        distinct: 0
        window: 2m
      """;

  @TempDir private Path dir;
  private @Nullable Running running;

  /** A watcher at work, with its log. */
  private record Running(
      SqliteBanLog log, Checkpoints checkpoints, BanWriter writer, Watcher watcher) {
    void stop() {
      watcher.close();
      if (checkpoints instanceof SqliteCheckpoints stored) {
        stored.close();
      }
      log.close();
    }
  }

  @AfterEach
  void stop() {
    if (running != null) {
      running.stop();
      running = null;
    }
  }

  private Path accessLog() {
    return dir.resolve("access.log");
  }

  private Config config(String rest) throws IOException {
    Path file =
        Files.writeString(
            dir.resolve("ip-sentry.yaml"),
            "sources:\n  - name: web\n    file: %s\n    format: combined\n    startAt: beginning\n%s"
                .formatted(accessLog(), rest));
    return new ConfigLoader().load(file).orThrow();
  }

  private Config config() throws IOException {
    return config("rules:\n  - name: probing\n" + RULE.indent(2));
  }

  private Running start(Config config) throws IOException {
    Path beside = SqliteCheckpoints.pathBeside(dir.resolve("bans.db"));
    return start(config, SqliteCheckpoints.open(beside), false);
  }

  private Running start(Config config, Checkpoints checkpoints, boolean takesOver)
      throws IOException {
    SqliteBanLog log = SqliteBanLog.open(dir.resolve("bans.db"));
    InstantSource clock = InstantSource.system();
    BanPolicy policy = new BanPolicy(Watcher.policySettings(config, 1));
    BanWriter writer = new BanWriter(log, new ActiveBans(), clock, policy::observe);
    Watcher watcher =
        new Watcher(
            config,
            ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)),
            new Watcher.Parts(
                writer,
                policy,
                checkpoints,
                ZoneOffset.UTC,
                InputStream.nullInputStream(),
                clock,
                System::nanoTime,
                new LatencyHistogram(),
                RequestWatch.NONE,
                PodLogsOpener.NONE,
                takesOver));
    Thread.ofPlatform().name("watcher").start(watcher::run);
    Running started = new Running(log, checkpoints, writer, watcher);
    running = started;
    return started;
  }

  private void probe(String address, int times) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < times; i++) {
      lines.append(
          "%s - - [%s] \"GET /.env HTTP/1.1\" 404 153 \"-\" \"curl\"\n"
              .formatted(address, CLF.format(Instant.now())));
    }
    Files.writeString(accessLog(), lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private static List<String> banned(Running at) {
    List<String> addresses = new ArrayList<>();
    for (SequencedEvent event : at.log().read(1, 1000)) {
      if (event.event() instanceof BanEvent.Ban ban) {
        addresses.add(ban.ip().toString());
      }
    }
    return addresses;
  }

  private static void awaitBans(Running at, String... addresses) {
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(banned(at)).containsExactly(addresses));
  }

  private static void awaitLines(Running at, long lines) {
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> at.watcher().status().sources().getFirst().status().lines() == lines);
  }

  @Test
  void run_linesAreAppended_addressIsBannedOnce() throws IOException {
    Running at = start(config());
    probe("203.0.113.7", 5);
    probe("203.0.113.8", 2);

    awaitLines(at, 7);
    awaitBans(at, "203.0.113.7");
    WatcherStatus.RuleStatus rule = at.watcher().status().rules().getFirst();
    assertThat(rule.hits()).isEqualTo(5);
    assertThat(rule.belowFloor()).isEqualTo(2);
    assertThat(rule.bans()).isEqualTo(1);
  }

  /** As after SIGKILL: the next start has what was stored when it first said that it follows. */
  @Test
  void isFollowing_thenRotatedAwayBeforeTheNextStart_losesNoLine() throws IOException {
    Path kept = dir.resolve("kept.db-state");
    Path beside = SqliteCheckpoints.pathBeside(dir.resolve("bans.db"));
    Files.createFile(accessLog());
    Running first = start(config());
    await().atMost(Duration.ofSeconds(20)).until(first.watcher()::isFollowing);
    try (SqliteCheckpoints stored = SqliteCheckpoints.open(kept)) {
      stored.save(first.checkpoints().load(), Set.of());
    }
    stop();
    probe("203.0.113.7", 3);
    Files.move(accessLog(), dir.resolve("access.log.1"));
    Files.createFile(accessLog());
    Files.move(kept, beside, StandardCopyOption.REPLACE_EXISTING);

    Running second = start(config());

    awaitBans(second, "203.0.113.7");
  }

  @Test
  void restart_withinAWindow_countsOnAndRepeatsNothing() throws IOException {
    Running first = start(config());
    probe("203.0.113.7", 3);
    probe("203.0.113.8", 2);
    awaitBans(first, "203.0.113.7");
    awaitLines(first, 5);
    stop();
    probe("203.0.113.7", 5);
    probe("203.0.113.8", 1);

    Running second = start(config());

    awaitBans(second, "203.0.113.7", "203.0.113.8");
    awaitLines(second, 6);
    assertThat(banned(second)).hasSize(2);
  }

  /** A long line of the container is open, and whole lines of its other stream come meanwhile. */
  @Test
  void restart_betweenTheParts_countsLinesBetweenThemOnce() throws IOException {
    Running first = start(config());
    Files.writeString(accessLog(), cri("stdout", "P", "203.0.113.9 - - "));
    for (int i = 0; i < 2; i++) {
      String hit = request("203.0.113.7");
      Files.writeString(accessLog(), cri("stderr", "F", hit), StandardOpenOption.APPEND);
    }
    awaitLines(first, 3);
    stop();
    Running second = start(config());
    String rest = request("203.0.113.9").substring("203.0.113.9 - - ".length());
    Files.writeString(
        accessLog(),
        cri("stdout", "F", rest)
            + cri("stderr", "F", request("203.0.113.8")).repeat(3)
            + cri("stderr", "F", request("203.0.113.9")).repeat(2),
        StandardOpenOption.APPEND);

    // Two hits of .7, counted twice, would have banned it before.
    awaitBans(second, "203.0.113.8", "203.0.113.9");
  }

  private static String request(String address) {
    return "%s - - [%s] \"GET /.env HTTP/1.1\" 404 153 \"-\" \"curl\""
        .formatted(address, CLF.format(Instant.now()));
  }

  private static String cri(String stream, String tag, String text) {
    return "%s %s %s %s\n".formatted(Instant.now(), stream, tag, text);
  }

  @Test
  void twoSources_nameOneFile_aLineIsOneHitOfARule() throws IOException {
    Config config = twoSources("  - name: probing\n" + RULE.indent(2));
    Running at = start(config);
    probe("203.0.113.7", 2);
    probe("203.0.113.8", 3);
    awaitBans(at, "203.0.113.8");
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() ->
            at.watcher().status().sources().stream()
                .allMatch(source -> source.status().lines() == 5));
    assertThat(at.watcher().status().rules().getFirst().hits()).isEqualTo(5);
    awaitNote(at, "counts in source web for probing");

    probe("203.0.113.7", 1);
    awaitBans(at, "203.0.113.8", "203.0.113.7");
  }

  @Test
  void twoSources_nameOneFileForRulesOfTheirOwn_bothJudgeIt() throws IOException {
    String forWeb = RULE.replace("}", ", sources: web }");
    String forAll = RULE.replace("}", ", sources: all }");
    Running at =
        start(
            twoSources(
                "  - name: one\n" + forWeb.indent(2) + "  - name: two\n" + forAll.indent(2)));
    probe("203.0.113.7", 2);

    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> at.watcher().status().rules().stream().allMatch(rule -> rule.hits() == 2));
  }

  @Test
  void reload_firstOfTwoSourcesGoes_theOtherTakesOver() throws IOException {
    Running at = start(twoSources("  - name: probing\n" + RULE.indent(2)));
    probe("203.0.113.7", 2);
    awaitNote(at, "counts in source web for probing");
    Path link = dir.resolve("link.log");
    Config only =
        new ConfigLoader()
            .load(
                Files.writeString(
                    dir.resolve("ip-sentry.yaml"),
                    "sources:\n  - { name: all, file: %s, format: combined, startAt: beginning }\n"
                            .formatted(link)
                        + "rules:\n  - name: probing\n"
                        + RULE.indent(2)))
            .orThrow();
    at.watcher().reload(only);
    await().until(() -> at.watcher().config().equals(only));
    probe("203.0.113.7", 1);

    awaitBans(at, "203.0.113.7");
  }

  /** The second source names the file of the first by a link. */
  private Config twoSources(String rules) throws IOException {
    Path link = Files.createSymbolicLink(dir.resolve("link.log"), accessLog());
    return config(
        "  - { name: all, file: %s, format: combined, startAt: beginning }\nrules:\n%s"
            .formatted(link, rules));
  }

  private static void awaitNote(Running at, String note) {
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() ->
            at.watcher().status().sources().getLast().status().streams().stream()
                .anyMatch(stream -> stream.note().contains(note)));
  }

  @Test
  void rotation_byRename_losesNoHit() throws IOException {
    Running at = start(config());
    probe("203.0.113.7", 2);
    awaitLines(at, 2);
    Files.move(accessLog(), dir.resolve("access.log.1"), StandardCopyOption.ATOMIC_MOVE);
    probe("203.0.113.7", 1);

    awaitBans(at, "203.0.113.7");
  }

  @Test
  void unban_thenNewHits_countFromTheUnbanOn() throws IOException {
    Running at = start(config());
    probe("203.0.113.7", 3);
    awaitBans(at, "203.0.113.7");
    IpPrefix ip = IpPrefix.parse("203.0.113.7");
    at.writer().write((state, now) -> List.of(new BanEvent.Unban(now, ip, "test", "")));
    // Stamps are whole seconds: wait until the next hit lies behind the unban.
    Instant unbanned = Instant.now();
    await()
        .atMost(Duration.ofSeconds(5))
        .until(() -> Instant.now().getEpochSecond() > unbanned.getEpochSecond());
    probe("203.0.113.7", 2);
    awaitLines(at, 5);
    assertThat(banned(at)).hasSize(1);
    probe("203.0.113.7", 1);

    awaitBans(at, "203.0.113.7", "203.0.113.7");
  }

  @Test
  void reload_ruleKeepsItsName_keepsItsHits() throws IOException {
    Running at = start(config());
    probe("203.0.113.7", 2);
    awaitLines(at, 2);
    Config lower =
        config(
            "rules:\n  - name: other\n" + RULE.indent(2) + "  - name: probing\n" + RULE.indent(2));
    at.watcher().reload(lower);
    await().until(() -> at.watcher().config().equals(lower));
    probe("203.0.113.7", 1);

    awaitBans(at, "203.0.113.7");
  }

  @Test
  void alwaysBan_configuredThenRemoved_isBannedThenUnbanned() throws IOException {
    Config with =
        config("alwaysBan: 198.51.100.0/24\nrules:\n  - name: probing\n" + RULE.indent(2));
    Running at = start(with);
    awaitBans(at, "198.51.100.0/24");

    at.watcher().reload(config());

    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> at.log().read(1, 10).getLast().event() instanceof BanEvent.Unban);
  }

  @Test
  void alwaysBan_protectedMeanwhile_isBannedWhenItIsNotAnyMore() throws IOException {
    Config with =
        config("alwaysBan: 198.51.100.0/24\nrules:\n  - name: probing\n" + RULE.indent(2));
    Running at = start(config());
    at.watcher()
        .protect(
            ProtectedPrefixes.of(
                ProtectedPrefixes.Part.of(
                    Protection.Kind.CLUSTER, PrefixSet.parse("198.51.100.9"))));
    at.watcher().reload(with);
    await().until(() -> at.watcher().config().equals(with));
    assertThat(at.log().head()).isZero();

    at.watcher().protect(ProtectedPrefixes.NONE);

    awaitBans(at, "198.51.100.0/24");
  }

  @Test
  void stdinEnds_runEndsByItself() throws Exception {
    byte[] lines =
        ("203.0.113.7 - - [%s] \"GET /.env HTTP/1.1\" 404 1 \"-\" \"-\"\n"
                .formatted(CLF.format(Instant.now())))
            .repeat(3)
            .getBytes(StandardCharsets.UTF_8);
    Path file =
        Files.writeString(
            dir.resolve("ip-sentry.yaml"),
            "sources:\n  - stdin: true\n    format: combined\nrules:\n  - name: probing\n"
                + RULE.indent(2));
    Config config = new ConfigLoader().load(file).orThrow();
    try (SqliteBanLog log = SqliteBanLog.open(dir.resolve("bans.db"))) {
      BanPolicy policy = new BanPolicy(Watcher.policySettings(config, 1));
      BanWriter writer =
          new BanWriter(log, new ActiveBans(), InstantSource.system(), policy::observe);
      Watcher watcher =
          new Watcher(
              config,
              ProtectedPrefixes.NONE,
              new Watcher.Parts(
                  writer,
                  policy,
                  new InMemoryBanLog(),
                  ZoneOffset.UTC,
                  new ByteArrayInputStream(lines),
                  InstantSource.system(),
                  System::nanoTime,
                  new LatencyHistogram(),
                  RequestWatch.NONE,
                  PodLogsOpener.NONE,
                  false));
      watcher.run();

      assertThat(log.head()).isEqualTo(1);
    }
  }

  @Test
  void begin_takesOverFromAnother_readsTheLastWindowAgainAndNothingOlder() throws IOException {
    Instant now = Instant.now();
    Files.writeString(
        accessLog(),
        line("203.0.113.1", now.minus(Duration.ofHours(2))).repeat(3)
            + line("203.0.113.2", now.minusSeconds(5)).repeat(2));
    Running at = start(readFromTheEnd(), new InMemoryCheckpoints(), true);
    awaitLines(at, 5);
    probe("203.0.113.2", 1);

    awaitBans(at, "203.0.113.2");
  }

  @Test
  void begin_takesOverFromItself_goesOnWhereItWas() throws IOException {
    Checkpoints checkpoints = new InMemoryCheckpoints();
    Files.createFile(accessLog());
    Running first = start(readFromTheEnd(), checkpoints, true);
    probe("203.0.113.3", 2);
    awaitLines(first, 2);
    stop();
    probe("203.0.113.3", 1);
    Running second = start(readFromTheEnd(), checkpoints, true);

    awaitBans(second, "203.0.113.3");
    assertThat(second.watcher().status().sources().getFirst().status().lines()).isEqualTo(1);
  }

  private Config readFromTheEnd() throws IOException {
    Config ignored = config();
    Path file = dir.resolve("ip-sentry.yaml");
    Files.writeString(file, Files.readString(file).replace("    startAt: beginning\n", ""));
    return new ConfigLoader().load(file).orThrow();
  }

  private static String line(String address, Instant at) {
    return "%s - - [%s] \"GET /.env HTTP/1.1\" 404 153 \"-\" \"curl\"\n"
        .formatted(address, CLF.format(at));
  }
}
