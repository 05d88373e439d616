package io.ipsentry.watcher.feed;

import static io.ipsentry.watcher.feed.ListServer.list;
import static io.ipsentry.watcher.feed.ListServer.status;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection.Kind;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.SqliteFeedStore;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.FeedConfig;
import io.ipsentry.config.TlsConfig;
import io.ipsentry.config.TlsMaterial;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.RequiresProgram;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A feed of a real server, step by step, with a clock that is moved. */
final class FeedKeeperIT {
  private static final FeedFetcher.Limits LIMITS =
      new FeedFetcher.Limits(Duration.ofSeconds(5), Duration.ofSeconds(20), 1 << 20);

  @TempDir private Path directory;
  private final InMemoryBanLog log = new InMemoryBanLog();
  private PrefixSet never = PrefixSet.empty();
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

  private FeedConfig config(String keys) {
    boolean hasOrigin = keys.contains("url:") || keys.contains("file:");
    String origin = hasOrigin ? "" : "url: \"" + server.url("/list?key=1") + "\", ";
    String every = keys.contains("every:") ? "" : "every: 1h, ";
    String yaml = "feeds: [{ name: a, " + every + origin + keys + " }]";
    return new ConfigLoader()
        .parse("test.yaml", yaml.getBytes(UTF_8), directory)
        .orThrow()
        .feeds()
        .getFirst();
  }

  private FeedKeeper keeper(FeedConfig config, FeedFetcher.Limits limits) {
    FeedKeeper keeper =
        new FeedKeeper(
            config,
            store.records().stream().findFirst().orElse(null),
            new FeedRunner.Parts(
                store,
                writer,
                () -> ProtectedPrefixes.of(Part.of(Kind.NEVER_BAN, never)),
                () -> now,
                new Random(1),
                "ip-sentry/test",
                limits,
                new Semaphore(1),
                () -> {}));
    assertThat(keeper.resume()).isTrue();
    return keeper;
  }

  private FeedKeeper keeper(String keys) {
    return keeper(config(keys), LIMITS);
  }

  /** Moves the clock to when it is due, and lets it work. */
  private void step(FeedKeeper keeper) throws InterruptedException {
    if (keeper.dueAt().isAfter(now)) {
      now = keeper.dueAt();
    }
    keeper.step();
  }

  private List<BanEvent> events() {
    return log.read(1, 1_000).stream().map(SequencedEvent::event).toList();
  }

  /** Prefixes that the log says the feed has. */
  private int announced() {
    return ((BanEvent.Feed) events().getLast()).entries();
  }

  private static String addresses(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> "198.51." + i / 256 + "." + i % 256 + "\n")
        .collect(Collectors.joining());
  }

  @Test
  void step_listOfAServer_isStoredAnnouncedAndAskedForConditionally() throws Exception {
    server.answers(list("192.0.2.1\n2001:db8::/32\n", "\"one\""), status(304));
    FeedKeeper keeper = keeper("expire: 2d");

    step(keeper);
    assertThat(server.last().path()).isEqualTo("/list?key=1");
    assertThat(server.last().header("User-Agent")).isEqualTo("ip-sentry/test");
    assertThat(server.last().header("If-None-Match")).isEmpty();
    PrefixSet expected = PrefixSet.parse("192.0.2.1", "2001:db8::/32");
    assertThat(keeper.inForce()).isEqualTo(expected);
    BanEvent.Feed event = (BanEvent.Feed) events().getFirst();
    assertThat(event.entries()).isEqualTo(2);
    assertThat(store.get("a", event.digest())).isEqualTo(expected);
    assertThat(keeper.status().origin()).as("without what may be secret").endsWith("/list");

    Instant first = now;
    step(keeper);
    assertThat(now)
        .isBetween(first.plus(Duration.ofMinutes(60)), first.plus(Duration.ofMinutes(66)));
    assertThat(server.last().header("If-None-Match")).isEqualTo("\"one\"");
    assertThat(server.last().header("If-Modified-Since"))
        .isEqualTo("Thu, 26 Nov 2026 12:00:00 GMT");
    assertThat(keeper.status().confirmedAt()).isEqualTo(now);
    assertThat(keeper.status().problem()).isEmpty();

    server.answers(list("2001:db8::/32\n192.0.2.1\n# the same\n", "\"two\""));
    step(keeper);
    assertThat(events()).as("the same content").hasSize(1);
    step(keeper);
    assertThat(server.last().header("If-None-Match")).isEqualTo("\"two\"");
  }

  @Test
  void status_protectedAndAllowedAfterTheFetch_counted() throws Exception {
    server.answers(list("192.0.2.1\n2001:db8::/32\n", "\"one\""));
    FeedKeeper keeper = keeper("expire: 2d");
    step(keeper);
    assertThat(keeper.status().spared()).isZero();

    never = PrefixSet.parse("192.0.2.0/24", "203.0.113.1");
    assertThat(keeper.status().spared()).isEqualTo(1);

    IpPrefix allowed = IpPrefix.parse("2001:db8::7");
    BanWriter.Outcome outcome =
        writer.write(
            (_, at) -> List.of(new BanEvent.Allow(at, allowed, at.plusSeconds(60), "cli", "test")));
    assertThat(outcome).isInstanceOf(BanWriter.Outcome.Written.class);
    assertThat(keeper.status().spared()).isEqualTo(2);
    now = now.plusSeconds(60);
    assertThat(keeper.status().spared()).as("allowed no longer").isEqualTo(1);
  }

  @Test
  void step_emptyShrunkenOrBrokenList_changesNothing() throws Exception {
    server.answers(list(addresses(100), "\"one\""));
    FeedKeeper keeper = keeper("minimumEntries: 10");
    step(keeper);

    for (String list :
        List.of("", addresses(9), addresses(49), "<html>Sorry</html>", "{\"type\":\"x\"}")) {
      server.answers(list(list, "\"bad\""));
      step(keeper);
      assertThat(keeper.status().problem()).as(list).startsWith("refused: ");
      assertThat(keeper.inForce().size()).isEqualTo(100);
      assertThat(server.last().header("If-None-Match")).isEqualTo("\"one\"");
    }
    assertThat(keeper.status().refused()).isEqualTo(5);
    assertThat(events()).hasSize(1);

    server.answers(list(addresses(50), "\"good\""));
    step(keeper);
    assertThat(keeper.status().problem()).isEmpty();
    assertThat(announced()).isEqualTo(50);
  }

  @Test
  void step_serverThatAsksToWait_isLeftAlone() throws Exception {
    server.answers(status(429, "Retry-After", "1800"));
    FeedKeeper keeper = keeper("expire: 2d");

    step(keeper);
    assertThat(keeper.status().problem()).isEqualTo("its server answers 429");
    assertThat(Duration.between(now, keeper.dueAt()))
        .isGreaterThanOrEqualTo(Duration.ofMinutes(30));

    server.answers(status(503, "Retry-After", "Thu, 26 Nov 2026 14:00:00 GMT"));
    step(keeper);
    assertThat(keeper.dueAt()).isAfterOrEqualTo(Instant.parse("2026-11-26T14:00:00Z"));
  }

  @Test
  void step_failures_areTriedAgainSeldomerEachTime() throws Exception {
    server.answers(status(500));
    FeedKeeper keeper = keeper("expire: 2d");
    Duration before = Duration.ZERO;
    for (int i = 0; i < 6; i++) {
      step(keeper);
      Duration pause = Duration.between(now, keeper.dueAt());
      assertThat(pause).isGreaterThan(before);
      before = pause;
    }
    step(keeper);
    step(keeper);
    assertThat(Duration.between(now, keeper.dueAt()))
        .isBetween(Duration.ofMinutes(60), Duration.ofMinutes(66));
  }

  @Test
  void step_answerThatIsCutSlowOrTooLarge_changesNothing() throws Exception {
    server.answers(list(addresses(30), "\"one\""));
    FeedKeeper keeper =
        keeper(
            config("expire: 2d"),
            new FeedFetcher.Limits(Duration.ofSeconds(5), Duration.ofSeconds(1), 64 << 10));
    step(keeper);
    assertThat(keeper.status().problem()).isEmpty();

    ListServer.Answer cut =
        exchange -> {
          exchange.sendResponseHeaders(200, 10_000);
          exchange.getResponseBody().write(addresses(30).getBytes(UTF_8));
        };
    ListServer.Answer slow =
        exchange -> {
          exchange.sendResponseHeaders(200, 10_000);
          exchange.getResponseBody().write('1');
          exchange.getResponseBody().flush();
          new Semaphore(0).acquire();
        };
    ListServer.Answer large = list(new byte[(64 << 10) + 1], "\"large\"");
    for (ListServer.Answer answer : List.of(cut, slow, large)) {
      server.answers(answer);
      step(keeper);
      assertThat(keeper.status().problem()).isNotEmpty();
      assertThat(keeper.inForce().size()).isEqualTo(30);
    }
    assertThat(keeper.status().failed()).isEqualTo(3);
    assertThat(events()).hasSize(1);
  }

  @Test
  void step_redirects_areFollowedWithoutTheKey() throws Exception {
    Files.writeString(directory.resolve("key"), "secret\n");
    FeedKeeper keeper = keeper("headerFiles: { X-Key: key }");
    try (ListServer other = ListServer.start()) {
      other.answers(list("192.0.2.1\n", "\"one\""));
      server.answers(status(302, "Location", other.url("/there")));

      step(keeper);
      assertThat(keeper.inForce().size()).isEqualTo(1);
      assertThat(server.last().header("X-Key")).isEqualTo("secret");
      assertThat(other.last().header("X-Key")).isEmpty();
    }
    server.answers(status(301, "Location", "/again"));
    step(keeper);
    assertThat(keeper.status().problem()).contains("more than 5 times");
    assertThat(server.last().header("X-Key")).as("the same server").isEqualTo("secret");
    server.answers(status(301, "Location", "file:///etc/passwd"));
    step(keeper);
    assertThat(keeper.status().problem()).contains("redirects to file");
  }

  @Test
  void step_compressedAnswer_isRead() throws Exception {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(compressed)) {
      gzip.write(addresses(100).getBytes(UTF_8));
    }
    server.answers(exchange -> {
      exchange.getResponseHeaders().set("Content-Encoding", "gzip");
      list(compressed.toByteArray(), "\"one\"").send(exchange);
    });
    FeedKeeper keeper = keeper("expire: 2d");

    step(keeper);

    assertThat(server.last().header("Accept-Encoding")).isEqualTo("gzip");
    assertThat(keeper.inForce().size()).isEqualTo(100);
  }

  @Test
  void step_sourceThatIsSilentForTooLong_isWithdrawnAndComesBack() throws Exception {
    server.answers(list(addresses(100), "\"one\""), status(500));
    FeedKeeper keeper = keeper("expire: 3h");
    step(keeper);
    Instant confirmed = now;

    while (now.isBefore(confirmed.plus(Duration.ofHours(3)))) {
      assertThat(keeper.inForce().size()).isEqualTo(100);
      step(keeper);
    }
    assertThat(keeper.inForce().isEmpty()).isTrue();
    assertThat(announced()).isZero();
    assertThat(keeper.status().entries()).isZero();

    server.answers(list(addresses(30), "\"two\""));
    step(keeper);
    assertThat(server.last().header("If-None-Match")).as("nothing is known any more").isEmpty();
    assertThat(announced()).as("not compared with what has expired").isEqualTo(30);
  }

  @Test
  void step_entriesWithAnEnd_leaveWhenItComes() throws Exception {
    server.answers(list("duration,value\n20m,192.0.2.1\n30h,192.0.2.2\n", "\"one\""));
    FeedKeeper keeper = keeper("format: crowdsec, every: 2h");
    step(keeper);
    assertThat(announced()).isEqualTo(2);
    Instant first = now;

    step(keeper);

    assertThat(now)
        .isBetween(first.plus(Duration.ofMinutes(20)), first.plus(Duration.ofMinutes(31)));
    assertThat(keeper.inForce()).isEqualTo(PrefixSet.parse("192.0.2.2"));
    assertThat(announced()).isEqualTo(1);
    assertThat(server.requests()).hasSize(1);

    FeedKeeper next = keeper("format: crowdsec, every: 2h");
    assertThat(next.inForce()).isEqualTo(PrefixSet.parse("192.0.2.2"));
    step(next);
    assertThat(server.last().header("If-None-Match")).as("ends are not kept").isEmpty();
  }

  @Test
  void resume_afterARestartWithoutNetwork_hasTheSame() throws Exception {
    server.answers(list(addresses(100), "\"one\""));
    FeedConfig config = config("expire: 2d");
    step(keeper(config, LIMITS));
    server.close();
    now = now.plus(Duration.ofMinutes(30));

    FeedKeeper next = keeper(config, LIMITS);

    assertThat(next.inForce().size()).isEqualTo(100);
    assertThat(next.dueAt()).as("when it is due").isAfter(now.plus(Duration.ofMinutes(29)));
    step(next);
    assertThat(next.status().problem()).contains("cannot be reached");
    assertThat(next.inForce().size()).isEqualTo(100);
    assertThat(events()).hasSize(1);
  }

  @Test
  void resume_asATag_isTakenOutOfTheLog() throws Exception {
    server.answers(list(addresses(100), "\"one\""));
    step(keeper("action: ban"));

    FeedKeeper tagging = keeper("action: tag");

    assertThat(announced()).isZero();
    assertThat(tagging.inForce().size()).isEqualTo(100);
    assertThat(keeper("action: ban").inForce().size()).isEqualTo(100);
    assertThat(announced()).isEqualTo(100);
  }

  @Test
  void step_fileAndChecksum_areCompared() throws Exception {
    Path list = directory.resolve("list.txt");
    byte[] bytes = addresses(40).getBytes(UTF_8);
    String sum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    Files.writeString(directory.resolve("list.sha256"), sum + "  list.txt\n");
    FeedKeeper keeper = keeper("file: list.txt, checksum: list.sha256");

    step(keeper);
    assertThat(keeper.status().problem()).endsWith("list.txt is not there");
    Files.write(list, bytes);
    step(keeper);
    assertThat(keeper.inForce().size()).isEqualTo(40);
    Files.writeString(list, addresses(41));
    step(keeper);
    assertThat(keeper.status().problem()).contains("does not have the checksum");
    assertThat(keeper.inForce().size()).isEqualTo(40);
  }

  @Test
  @RequiresProgram("openssl")
  void step_serverWithTls_mustHaveACertificateOfTheAuthority() throws Exception {
    CertificateAuthority authority = CertificateAuthority.create(directory, "ca");
    CertificateAuthority another = CertificateAuthority.create(directory, "another");
    CertificateAuthority.Issued issued = authority.issue("lists", "IP:127.0.0.1");
    try (ListServer secure = new ListServer(secure(issued))) {
      secure.answers(list("192.0.2.1\n", "\"one\""));
      String url = "url: \"" + secure.url("/") + "\", ca: ";

      FeedKeeper trusting = keeper(url + authority.certificate());
      step(trusting);
      assertThat(trusting.status().problem()).isEmpty();
      assertThat(trusting.inForce().size()).isEqualTo(1);

      store.forget("a");
      FeedKeeper doubting = keeper(url + another.certificate());
      step(doubting);
      assertThat(doubting.status().problem()).contains("certificate");
      assertThat(doubting.inForce().isEmpty()).isTrue();
    }
  }

  private static HttpsServer secure(CertificateAuthority.Issued issued)
      throws IOException, GeneralSecurityException {
    TlsMaterial material =
        TlsMaterial.read(new TlsConfig(issued.certificate(), issued.key(), Optional.empty()));
    KeyStore keys = KeyStore.getInstance(KeyStore.getDefaultType());
    keys.load(null, null);
    keys.setKeyEntry(
        "server", material.key(), new char[0], material.chain().toArray(Certificate[]::new));
    KeyManagerFactory manager =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    manager.init(keys, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(manager.getKeyManagers(), null, null);
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    return server;
  }

  @Test
  void reload_ofARunner_addsChangesAndWithdraws() throws Exception {
    server.answers(list(addresses(100), "\"one\""));
    Semaphore told = new Semaphore(0);
    FeedRunner.Environment with =
        new FeedRunner.Environment(
            store,
            tags -> told.release(),
            ranges -> {},
            writer,
            () -> ProtectedPrefixes.NONE,
            () -> now,
            new Random(1),
            "ip-sentry/test");
    try (FeedRunner runner = FeedRunner.start(with, List.of(config("expire: 2d")), LIMITS)) {
      awaitAnnounced(100);
      await().until(() -> runner.status().getFirst().fetches() == 1);
      assertThat(runner.status()).singleElement().matches(feed -> feed.problem().isEmpty());

      server.answers(list(addresses(70), "\"two\""));
      runner.reload(List.of(config("expire: 3d, minimumLevel: 5")));
      awaitAnnounced(70);

      runner.reload(List.of());
      awaitAnnounced(0);
      await().until(() -> store.records().isEmpty());
      assertThat(runner.status()).isEmpty();
    }
    assertThat(told.availablePermits()).isPositive();
  }

  private void awaitAnnounced(int count) {
    await().atMost(Duration.ofSeconds(20)).until(() -> !events().isEmpty() && announced() == count);
  }
}
