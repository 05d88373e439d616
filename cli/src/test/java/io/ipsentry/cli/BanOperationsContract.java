package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AllowOutcome;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanHistory;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanOutcome;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.DisallowOutcome;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.banlog.Page;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.banlog.Standing;
import io.ipsentry.banlog.UnbanOutcome;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every {@link BanOperations} does, on a real SQLite log. */
abstract class BanOperationsContract {
  static final Instant START = Instant.parse("2026-11-21T07:00:00Z");
  private static final IpPrefix ADDRESS = IpPrefix.parse("203.0.113.7");
  private static final IpPrefix PREFIX = IpPrefix.parse("203.0.113.0/24");
  private static final Duration HOUR = Duration.ofHours(1);

  @TempDir Path directory;
  final AtomicReference<Instant> now = new AtomicReference<>(START);
  private @Nullable SqliteBanLog log;
  private @Nullable BanOperations operations;

  /** Operations that in the end act on {@code local}. */
  abstract BanOperations reach(LogBanOperations local, Path directory);

  @BeforeEach
  final void open() {
    SqliteBanLog opened = SqliteBanLog.open(directory.resolve("store.db"));
    log = opened;
    List<Part> parts = new ArrayList<>(ProtectedPrefixes.reserved(true));
    parts.add(Part.of(Protection.Kind.NEVER_BAN, PrefixSet.parse("192.0.2.0/24")));
    BanWriter writer = new BanWriter(opened, new ActiveBans(), now::get, event -> {});
    operations =
        reach(
            new LogBanOperations(
                opened,
                opened,
                writer,
                () -> ProtectedPrefixes.of(parts),
                feed ->
                    feed.digest().equals("sha256:drop")
                        ? Optional.of(PrefixSet.parse("198.51.100.0/24"))
                        : Optional.empty(),
                now::get),
            directory);
  }

  @AfterEach
  final void close() {
    operations().close();
    log().close();
  }

  final BanOperations operations() {
    return Objects.requireNonNull(operations);
  }

  private SqliteBanLog log() {
    return Objects.requireNonNull(log);
  }

  private void pass(Duration time) {
    now.updateAndGet(instant -> instant.plus(time));
  }

  private BanOutcome ban(IpPrefix ip, @Nullable Duration length) {
    return operations().ban(ip, length, "by hand", "tester");
  }

  private ListedBan banned(IpPrefix ip, @Nullable Duration length) {
    return ((BanOutcome.Banned) ban(ip, length)).ban();
  }

  private List<String> listed() {
    return operations().list(null, 100, "").entries().stream()
        .map(ban -> ban.ban().ip().toString())
        .toList();
  }

  @Test
  void ban_newAddress_isInLogAndList() {
    BanOutcome outcome = ban(ADDRESS, HOUR);

    BanEvent.Ban event =
        new BanEvent.Ban(
            START,
            ADDRESS,
            START.plus(HOUR),
            "manual",
            "by hand",
            0,
            SeenAs.MANUAL,
            "tester",
            1,
            null,
            null);
    ListedBan ban = new ListedBan(1, event, true);
    assertThat(outcome).isEqualTo(new BanOutcome.Banned(ban, null));
    assertThat(log().read(1, 10)).containsExactly(new SequencedEvent(1, event));
    Page<ListedBan> page = operations().list(null, 10, "");
    assertThat(page).isEqualTo(new Page<>(List.of(ban), "", 1, START, 1));
  }

  @Test
  void ban_permanently_hasNoEnd() {
    assertThat(banned(ADDRESS, null).ban().until()).isNull();
  }

  @Test
  void ban_again_extendsAndTellsWhatWas() {
    ListedBan first = banned(ADDRESS, HOUR);
    pass(Duration.ofMinutes(30));

    BanOutcome outcome = ban(ADDRESS, HOUR);

    assertThat(outcome)
        .isInstanceOfSatisfying(
            BanOutcome.Banned.class,
            extended -> {
              assertThat(extended.previous()).isEqualTo(first);
              assertThat(extended.ban().ban().until()).isEqualTo(START.plusSeconds(5_400));
            });
    assertThat(log().head()).isEqualTo(2);
  }

  @Test
  void ban_shorterThanStanding_changesNothing() {
    ListedBan first = banned(ADDRESS, null);

    assertThat(ban(ADDRESS, HOUR)).isEqualTo(new BanOutcome.AlreadyBanned(first));
    assertThat(log().head()).isEqualTo(1);
  }

  @Test
  void ban_standingBanSeenInHeader_isWidenedAndKeepsItsEnd() {
    Instant end = START.plus(Duration.ofDays(9));
    BanEvent.Ban forwarded =
        new BanEvent.Ban(
            START, ADDRESS, end, "probing", "^/x", 3, SeenAs.FORWARDED, "watcher", 2, START, null);
    log().append(0, List.of(forwarded));

    BanEvent.Ban ban = banned(ADDRESS, HOUR).ban();

    assertThat(ban.seenAs()).isEqualTo(SeenAs.MANUAL);
    assertThat(ban.until()).isEqualTo(end);
    assertThat(ban.offence()).isEqualTo(2);
  }

  @Test
  void ban_protectedAddress_isRefusedWithReason() {
    assertThat(ban(IpPrefix.parse("10.1.2.3"), HOUR))
        .isInstanceOfSatisfying(
            BanOutcome.Refused.class,
            refused -> {
              assertThat(refused.refusal().kind()).isEqualTo("private-network");
              assertThat(refused.refusal().prefix()).isEqualTo(IpPrefix.parse("10.0.0.0/8"));
              assertThat(refused.refusal().description()).contains("10.0.0.0/8");
            });
    assertThat(log().head()).isZero();
  }

  @Test
  void ban_prefixOverProtectedAddress_isRefused() {
    assertThat(ban(IpPrefix.parse("192.0.0.0/16"), HOUR)).isInstanceOf(BanOutcome.Refused.class);
  }

  @Test
  void ban_allowedAddress_isRefusedAndNamesTheEntry() {
    operations().allow(PREFIX, null, "office", "tester");

    assertThat(ban(ADDRESS, HOUR))
        .isInstanceOfSatisfying(
            BanOutcome.Refused.class,
            refused -> {
              assertThat(refused.refusal().kind()).isEqualTo("allow");
              assertThat(refused.refusal().prefix()).isEqualTo(PREFIX);
            });
  }

  @Test
  void ban_ipv6Address_isNotWidened() {
    IpPrefix ip = IpPrefix.parse("2001:db8::5");
    assertThat(banned(ip, HOUR).ban().ip()).isEqualTo(ip);
    assertThat(operations().get(IpPrefix.parse("2001:db8::6")).banned()).isFalse();
  }

  @Test
  void ban_whileOthersAppend_bothAreKept() {
    ban(ADDRESS, HOUR);
    log().append(1, List.of(new BanEvent.Allow(START, PREFIX, null, "other", "")));

    assertThat(ban(ADDRESS, Duration.ofHours(2))).isInstanceOf(BanOutcome.Refused.class);
  }

  @Test
  void ban_lengthNotPositive_isRejected() {
    assertThatThrownBy(() -> ban(ADDRESS, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void unban_banned_endsTheBan() {
    ListedBan ban = banned(ADDRESS, HOUR);

    assertThat(operations().unban(ADDRESS, "mistake", "tester"))
        .isEqualTo(new UnbanOutcome.Unbanned(2, ban, List.of()));
    assertThat(listed()).isEmpty();
    assertThat(operations().get(ADDRESS).banned()).isFalse();
  }

  @Test
  void unban_notBanned_saysSo() {
    assertThat(operations().unban(ADDRESS, "", "tester"))
        .isEqualTo(new UnbanOutcome.NotBanned(ADDRESS, List.of()));
    assertThat(log().head()).isZero();
  }

  @Test
  void unban_bannedByPrefixOnly_tellsThePrefix() {
    ListedBan prefix = banned(PREFIX, HOUR);

    assertThat(operations().unban(ADDRESS, "", "tester"))
        .isEqualTo(new UnbanOutcome.NotBanned(ADDRESS, List.of(prefix)));
    assertThat(operations().get(ADDRESS).banned()).isTrue();
  }

  @Test
  void unban_coveredByPrefixToo_tellsThePrefix() {
    ListedBan wide = banned(PREFIX, HOUR);
    ListedBan narrow = banned(ADDRESS, HOUR);

    assertThat(operations().unban(ADDRESS, "", "tester"))
        .isEqualTo(new UnbanOutcome.Unbanned(3, narrow, List.of(wide)));
  }

  @Test
  void unban_endedBan_saysNotBanned() {
    ban(ADDRESS, HOUR);
    pass(HOUR);

    assertThat(operations().unban(ADDRESS, "", "tester"))
        .isInstanceOf(UnbanOutcome.NotBanned.class);
  }

  @Test
  void allow_bannedAddress_takesItsForceAndNamesIt() {
    ban(ADDRESS, HOUR);

    AllowOutcome outcome = operations().allow(PREFIX, null, "office", "tester");

    assertThat(outcome)
        .isInstanceOfSatisfying(
            AllowOutcome.Allowed.class,
            allowed -> {
              assertThat(allowed.entry().allow().ip()).isEqualTo(PREFIX);
              assertThat(allowed.withoutForce())
                  .singleElement()
                  .satisfies(ban -> {
                    assertThat(ban.ban().ip()).isEqualTo(ADDRESS);
                    assertThat(ban.inForce()).isFalse();
                  });
            });
    Standing standing = operations().get(ADDRESS);
    assertThat(standing.banned()).isFalse();
    assertThat(standing.bans()).singleElement().returns(false, ListedBan::inForce);
    assertThat(standing.allowedBy()).hasSize(1);
    assertThat(operations().list(null, 10, "").entries())
        .singleElement()
        .returns(false, ListedBan::inForce);
  }

  @Test
  void allow_again_changesNothing() {
    AllowOutcome.Allowed first =
        (AllowOutcome.Allowed) operations().allow(ADDRESS, null, "", "tester");

    assertThat(operations().allow(ADDRESS, HOUR, "", "tester"))
        .isEqualTo(new AllowOutcome.AlreadyAllowed(first.entry()));
  }

  @Test
  void allow_forATime_endsByItself() {
    ban(ADDRESS, null);
    operations().allow(ADDRESS, HOUR, "", "tester");
    pass(HOUR);

    assertThat(operations().get(ADDRESS).banned()).isTrue();
    assertThat(operations().listAllowed(null, 10, "").entries()).isEmpty();
  }

  @Test
  void disallow_allowed_givesBansTheirForceBack() {
    ban(ADDRESS, HOUR);
    operations().allow(PREFIX, null, "", "tester");

    assertThat(operations().disallow(PREFIX, "", "tester"))
        .isInstanceOfSatisfying(
            DisallowOutcome.Disallowed.class,
            disallowed ->
                assertThat(disallowed.inForceAgain())
                    .extracting(ban -> ban.ban().ip())
                    .containsExactly(ADDRESS));
    assertThat(operations().get(ADDRESS).banned()).isTrue();
  }

  @Test
  void disallow_insideAllowedPrefix_tellsThePrefix() {
    operations().allow(PREFIX, null, "", "tester");

    assertThat(operations().disallow(ADDRESS, "", "tester"))
        .isInstanceOfSatisfying(
            DisallowOutcome.NotAllowed.class,
            notAllowed -> {
              assertThat(notAllowed.coveredBy())
                  .extracting(entry -> entry.allow().ip())
                  .containsExactly(PREFIX);
              assertThat(notAllowed.configured()).isNull();
            });
  }

  @Test
  void disallow_configuredProtection_tellsIt() {
    assertThat(operations().disallow(IpPrefix.parse("192.0.2.9"), "", "tester"))
        .isInstanceOfSatisfying(
            DisallowOutcome.NotAllowed.class,
            notAllowed ->
                assertThat(notAllowed.configured())
                    .isNotNull()
                    .returns("never-ban", refusal -> refusal.kind()));
  }

  @Test
  void get_protectedAddress_tellsWhy() {
    Standing standing = operations().get(IpPrefix.parse("127.0.0.1"));
    assertThat(standing.banned()).isFalse();
    assertThat(standing.protectedBy()).isNotNull();
  }

  @Test
  void get_addressInBannedPrefix_namesTheLongestFirst() {
    ban(IpPrefix.parse("203.0.112.0/23"), HOUR);
    ban(PREFIX, HOUR);

    assertThat(operations().get(ADDRESS).bans())
        .extracting(ban -> ban.ban().ip().toString())
        .containsExactly("203.0.113.0/24", "203.0.112.0/23");
  }

  private void feed(String name, String digest, int entries) {
    long head = log().head();
    assertThat(
            log()
                .append(
                    head, List.of(new BanEvent.Feed(now.get(), name, digest, entries, "tester"))))
        .isEqualTo(new AppendResult.Appended(head + 1));
  }

  @Test
  void get_addressInAFeed_isBannedAndNamesIt() {
    feed("drop-list", "sha256:drop", 1);
    feed("gone", "sha256:gone", 0);
    Standing held = operations().get(IpPrefix.parse("198.51.100.7"));
    assertThat(held.banned()).isTrue();
    assertThat(held.heldBy())
        .containsExactly(
            new FeedState(1, new BanEvent.Feed(START, "drop-list", "sha256:drop", 1, "tester")));
    assertThat(held.unreadFeeds()).isEmpty();
    Standing other = operations().get(ADDRESS);
    assertThat(other.banned()).isFalse();
    assertThat(other.heldBy()).isEmpty();
    operations().allow(IpPrefix.parse("198.51.100.7"), null, "", "tester");
    assertThat(operations().get(IpPrefix.parse("198.51.100.7")).banned()).isFalse();
  }

  @Test
  void get_aFeedThatCannotBeRead_isSaid() {
    feed("away", "sha256:away", 5);
    Standing standing = operations().get(ADDRESS);
    assertThat(standing.banned()).isFalse();
    assertThat(standing.unreadFeeds()).containsExactly("away");
  }

  @Test
  void listFeeds_nowAndThen_showsWhatTheLogHad() {
    feed("drop-list", "sha256:drop", 1);
    pass(HOUR);
    feed("another", "sha256:a", 7);
    assertThat(operations().listFeeds(null).entries())
        .extracting(state -> state.feed().feed())
        .containsExactly("another", "drop-list");
    Page<FeedState> then = operations().listFeeds(START);
    assertThat(then.entries()).extracting(FeedState::seq).containsExactly(1L);
    assertThat(then.total()).isEqualTo(1);
  }

  @Test
  void list_pages_holdEachBanOnceAndTheSameMoment() {
    for (int i = 0; i < 25; i++) {
      ban(IpPrefix.parse("198.51.100." + i), i % 2 == 0 ? HOUR : Duration.ofDays(1));
    }
    List<String> seen = new ArrayList<>();
    String token = "";
    do {
      Page<ListedBan> page = operations().list(null, 7, token);
      assertThat(page.at()).isEqualTo(START);
      assertThat(page.total()).isEqualTo(25);
      page.entries().forEach(ban -> seen.add(ban.ban().ip().toString()));
      token = page.next();
      // The short bans end while we are reading; the listing is about the moment it began.
      pass(HOUR);
    } while (!token.isEmpty());

    assertThat(seen).hasSize(25).doesNotHaveDuplicates();
    assertThat(listed()).hasSize(12);
  }

  @Test
  void list_atTimeInThePast_showsWhatWas() {
    ban(ADDRESS, HOUR);
    pass(Duration.ofMinutes(10));
    operations().unban(ADDRESS, "", "tester");
    ban(PREFIX, HOUR);
    pass(Duration.ofDays(3));

    assertThat(operations().list(START.plusSeconds(60), 10, "").entries())
        .extracting(ban -> ban.ban().ip())
        .containsExactly(ADDRESS);
    assertThat(operations().list(START.minusSeconds(1), 10, "").entries()).isEmpty();
    assertThat(operations().list(null, 10, "").entries()).isEmpty();
  }

  @Test
  void list_atTimeInThePast_pages() {
    for (int i = 0; i < 10; i++) {
      ban(IpPrefix.parse("198.51.100." + i), HOUR);
    }
    pass(Duration.ofDays(3));

    Page<ListedBan> first = operations().list(START, 6, "");
    Page<ListedBan> second = operations().list(START, 6, first.next());

    assertThat(first.entries()).hasSize(6);
    assertThat(second.entries()).hasSize(4);
    assertThat(second.next()).isEmpty();
  }

  @Test
  void list_brokenToken_isRejected() {
    assertThatThrownBy(() -> operations().list(null, 10, "nonsense"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void list_sizeBeyondLimit_isRejected() {
    assertThatThrownBy(() -> operations().list(null, BanOperations.MAX_PAGE_ENTRIES + 1, ""))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void listAllowed_pages_holdEachEntryOnce() {
    for (int i = 0; i < 10; i++) {
      operations().allow(IpPrefix.parse("198.51.100." + i), HOUR, "", "tester");
    }
    Page<Allowance> first = operations().listAllowed(null, 6, "");
    Page<Allowance> second = operations().listAllowed(null, 6, first.next());

    assertThat(first.entries()).hasSize(6);
    assertThat(second.entries()).hasSize(4);
    assertThat(second.total()).isEqualTo(10);
    assertThat(second.next()).isEmpty();
  }

  @Test
  void history_ofAddress_isNewestFirstWithWiderPrefixes() {
    ban(ADDRESS, HOUR);
    ban(IpPrefix.parse("198.51.100.1"), HOUR);
    ban(PREFIX, HOUR);
    operations().unban(ADDRESS, "", "tester");

    assertThat(operations().history(ADDRESS, BanHistory.FROM_NEWEST, 10))
        .extracting(SequencedEvent::seq)
        .containsExactly(4L, 3L, 1L);
    assertThat(operations().history(null, 4, 2))
        .extracting(SequencedEvent::seq)
        .containsExactly(3L, 2L);
    assertThat(operations().history(null, 1, 2)).isEmpty();
  }

  @Test
  void watch_fromNumber_deliversOldThenNewInOrder() {
    ban(ADDRESS, HOUR);
    ban(PREFIX, HOUR);
    Collector collector = new Collector();
    BanLog.Subscription subscription = operations().watch(2, collector);
    try {
      await().untilAsserted(() -> assertThat(collector.numbers).containsExactly(2L));
      operations().unban(ADDRESS, "", "tester");
      await().untilAsserted(() -> assertThat(collector.numbers).containsExactly(2L, 3L));
    } finally {
      subscription.close();
    }
    operations().unban(PREFIX, "", "tester");
    assertThat(collector.numbers).containsExactly(2L, 3L);
    assertThat(collector.failure.get()).isNull();
  }

  @Test
  void watch_manyEvents_deliversEachOnce() {
    List<BanEvent> events = new ArrayList<>();
    for (int i = 0; i < 5_000; i++) {
      IpPrefix ip = IpPrefix.ofV4((198 << 24) | (18 << 16) | i);
      events.add(new BanEvent.Unban(START, ip, "tester", "reason ".repeat(20)));
    }
    log().append(0, events);
    Collector collector = new Collector();
    BanLog.Subscription subscription = operations().watch(1, collector);
    try {
      await().untilAsserted(() -> assertThat(collector.numbers).hasSize(5_000));
    } finally {
      subscription.close();
    }
    assertThat(collector.numbers).isSorted().doesNotHaveDuplicates();
  }

  /** Keeps the numbers of the events it is told. */
  static final class Collector implements BanLog.Sink {
    final List<Long> numbers = new CopyOnWriteArrayList<>();
    final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();

    @Override
    public void events(List<SequencedEvent> events) {
      numbers.addAll(events.stream().map(SequencedEvent::seq).toList());
    }

    @Override
    public void failed(RuntimeException cause) {
      failure.set(cause);
    }
  }
}
