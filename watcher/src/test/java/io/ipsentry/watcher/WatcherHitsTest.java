package io.ipsentry.watcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.banlog.SqliteCheckpoints;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.watcher.metrics.LatencyHistogram;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hits that come from servers and from other processes, on a real store. */
class WatcherHitsTest {
  private static final IpPrefix IP = IpPrefix.parse("203.0.113.7");
  private static final IpPrefix OTHER = IpPrefix.parse("203.0.113.8");
  private static final RuleId INLINE = new RuleId("inline");
  private static final RuleId LINES = new RuleId("lines");

  @TempDir private Path dir;
  private @Nullable Running running;

  private record Running(
      SqliteBanLog log, SqliteCheckpoints checkpoints, Watcher watcher, Config config) {
    void stop() {
      watcher.close();
      checkpoints.close();
      log.close();
    }
  }

  @BeforeEach
  void start() throws IOException {
    running = open();
  }

  @AfterEach
  void stop() {
    if (running != null) {
      running.stop();
      running = null;
    }
  }

  private Running open() throws IOException {
    Path file =
        Files.writeString(
            dir.resolve("ip-sentry.yaml"),
            """
            sources:
              - file: %s
                format: combined
            rules:
              - name: inline
                on: request
                match: { paths: ['^/\\.env'] }
                threshold: 3
              - name: lines
                match: { paths: ['^/\\.git'] }
                threshold: 2
            """
                .formatted(dir.resolve("access.log")));
    Config config = new ConfigLoader().load(file).orThrow();
    Path store = dir.resolve("bans.db");
    SqliteBanLog log = SqliteBanLog.open(store);
    SqliteCheckpoints checkpoints = SqliteCheckpoints.open(SqliteCheckpoints.pathBeside(store));
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
                false));
    Thread.ofPlatform().name("watcher").start(watcher::run);
    return new Running(log, checkpoints, watcher, config);
  }

  private Running at() {
    Running now = running;
    if (now == null) {
      throw new IllegalStateException("not running");
    }
    return now;
  }

  private static long now() {
    return InstantSource.system().millis();
  }

  private @Nullable BanEvent request(IpPrefix ip) {
    RuleSet rules = at().watcher().inlineRules();
    return at().watcher()
        .hits()
        .request(
            rules,
            new Hit(rules.number(INLINE), ip.hi(), ip.lo(), SeenAs.PEER, now(), "^/\\.env", 1));
  }

  private static ReportedHit reported(RuleId rule, IpPrefix ip) {
    return new ReportedHit(rule, ip.hi(), ip.lo(), SeenAs.PEER, now(), "^/x", 1);
  }

  private WatcherStatus.RuleStatus status(RuleId rule) {
    return at().watcher().status().rules().stream()
        .filter(status -> status.name().equals(rule.name()))
        .findFirst()
        .orElseThrow();
  }

  private List<String> banned() {
    List<String> banned = new ArrayList<>();
    at().log()
        .read(1, 1_000)
        .forEach(event -> banned.add(((BanEvent.Ban) event.event()).ip().toString()));
    return banned;
  }

  private void awaitBanned(String... addresses) {
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(banned()).containsExactlyInAnyOrder(addresses));
  }

  @Test
  void hits_ofRequests_banAtOnceAndAreShownAsThoseOfAnyRule() {
    assertThat(request(IP)).isNull();
    assertThat(request(IP)).isNull();
    assertThat(request(IP)).isNotNull();

    awaitBanned("203.0.113.7");
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> status(INLINE).bans() == 1 && status(INLINE).hits() == 3);
    assertThat(at().watcher().pendingBans()).isZero();
  }

  @Test
  void hits_ofAnsweredRequests_areCountedLikeLines() {
    RuleSet rules = RuleSet.compile(at().config().rules());
    for (int i = 0; i < 2; i++) {
      Hit hit = new Hit(rules.number(LINES), IP.hi(), IP.lo(), SeenAs.PEER, now(), "^/\\.git", 1);
      assertThat(at().watcher().hits().logged(rules, hit)).isTrue();
    }

    awaitBanned("203.0.113.7");
    assertThat(status(LINES).hits()).isEqualTo(2);
    assertThat(at().watcher().lostHits()).isZero();
  }

  @Test
  void take_hitsOfBothKinds_saysTheHeadOnceTheirBansAreInTheLog() {
    AtomicLong head = new AtomicLong(-1);
    List<ReportedHit> hits = new ArrayList<>();
    hits.addAll(Collections.nCopies(2, reported(LINES, OTHER)));
    hits.addAll(Collections.nCopies(3, reported(INLINE, IP)));
    hits.add(reported(new RuleId("nosuch"), IP));

    assertThat(at().watcher().take(hits, head::set)).isTrue();

    await().atMost(Duration.ofSeconds(20)).until(() -> head.get() == 2);
    assertThat(banned()).containsExactlyInAnyOrder("203.0.113.7", "203.0.113.8");
  }

  @Test
  void take_moreThanThereIsRoomFor_countsNone() {
    List<ReportedHit> tooMany =
        new ArrayList<>(Collections.nCopies(HitQueue.MAX_HITS + 1, reported(LINES, OTHER)));
    tooMany.addAll(Collections.nCopies(3, reported(INLINE, IP)));

    assertThat(at().watcher().take(tooMany, head -> {})).isFalse();

    assertThat(status(INLINE).hits()).isZero();
    assertThat(request(IP)).isNull();
  }

  @Test
  void restart_betweenHitsOfRequests_countsOn() throws IOException {
    request(IP);
    request(IP);
    stop();

    running = open();

    assertThat(request(IP)).isNotNull();
    awaitBanned("203.0.113.7");
  }

  @Test
  void reload_ruleGetsAnotherThreshold_keepsItsHits() throws IOException {
    request(IP);
    Path file = dir.resolve("ip-sentry.yaml");
    Files.writeString(file, Files.readString(file).replace("threshold: 3", "threshold: 2"));

    at().watcher().reload(new ConfigLoader().load(file).orThrow());

    assertThat(request(IP)).isNotNull();
  }
}
