package io.ipsentry.kubernetes.blocklist;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.ActiveBan;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class BlocklistHandsTest {
  private static final Instant T0 = Instant.parse("2026-11-21T07:00:00.123Z");
  private static final Instant END = Instant.parse("2026-11-22T07:00:00.456Z");
  private static final String A = "203.0.113.1";
  private static final String B = "203.0.113.2";
  private static final String C = "203.0.113.3";
  private static final BlocklistHands.Edit EDIT =
      new BlocklistHands.Edit("0c5e/81", "kubectl-edit");

  private final List<SequencedEvent> log = new ArrayList<>();
  private final ActiveBans state = new ActiveBans();
  private Instant now = T0.plusSeconds(60);

  // ---- a document with its version

  @Test
  void merge_nothingChanged_isNoEvent() {
    ban(A, END, "x");
    ban(B, null, "y");

    assertThat(absorb(shown().document()).events()).isEmpty();
  }

  @Test
  void merge_aLineTakenOut_unbansThatOne() {
    ban(A, END, "x");
    ban(B, END, "y");

    assertThat(told(absorb(without(shown().document(), A))))
        .containsExactly(
            "{\"at\":\"2026-11-21T07:01:00.123Z\",\"type\":\"unban\",\"ip\":\"203.0.113.1\","
                + "\"by\":\"kubectl-edit\",\"reason\":\"removed by hand\",\"edit\":\"0c5e/81\"}");
  }

  @Test
  void merge_aLineAdded_bansThatOne() {
    ban(A, END, "x");

    assertThat(told(absorb(with(shown().document(), B, "2099-01-01T00:00:00Z", "mine"))))
        .containsExactly(
            "{\"at\":\"2026-11-21T07:01:00.123Z\",\"type\":\"ban\",\"ip\":\"203.0.113.2\","
                + "\"until\":\"2099-01-01T00:00:00.000Z\",\"rule\":\"manual\",\"reason\":\"mine\","
                + "\"hits\":1,\"seen_as\":\"manual\",\"by\":\"kubectl-edit\",\"edit\":\"0c5e/81\"}");
  }

  @Test
  void merge_anEndMovedEitherWay_isWhatHolds() {
    ban(A, END, "x");
    ban(B, END, "x");
    String edited = with(shown().document(), A, "2026-11-21T08:00:00Z", "x");

    apply(absorb(with(edited, B, "9999-12-31T23:59:59Z", "x")));

    assertThat(until(A)).isEqualTo("2026-11-21T08:00:00Z");
    assertThat(until(B)).isEqualTo("never");
  }

  @Test
  void merge_onlyTheReasonChanged_keepsTheEndToTheMillisecond() {
    ban(A, END, "x");

    apply(absorb(with(shown().document(), A, "2026-11-22T07:00:00Z", "customer called")));

    assertThat(standing(A).ban().reason()).isEqualTo("customer called");
    assertThat(until(A)).isEqualTo(END.toString());
  }

  @Test
  void merge_onlyCountOrBeginChanged_isNoEvent() {
    ban(A, END, "x");

    assertThat(absorb(shown().document().replace("\"hit_count\":3", "\"hit_count\":4")).events())
        .isEmpty();
  }

  @Test
  void merge_anEndMovedIntoThePast_unbans() {
    ban(A, END, "x");

    assertThat(absorb(with(shown().document(), A, "2001-01-01", "x")).events())
        .singleElement()
        .isInstanceOf(BanEvent.Unban.class);
  }

  @Test
  void merge_nullInPlaceOfAnEntry_unbans() {
    ban(A, END, "x");

    assertThat(absorb(line(without(shown().document(), A), "\"" + A + "\": null")).events())
        .singleElement()
        .isInstanceOf(BanEvent.Unban.class);
  }

  @Test
  void merge_addedWithAnEndInThePast_isNothing() {
    assertThat(absorb(with(shown().document(), A, "2001-01-01", "x")).events()).isEmpty();
  }

  @Test
  void merge_bansThatCameMeanwhile_stay() {
    ban(A, END, "x");
    ShownBans opened = shown();
    ban(B, END, "meanwhile");

    BlocklistHands.Outcome outcome = absorb(without(opened.document(), A), opened);
    apply(outcome);

    assertThat(outcome.events()).hasSize(1);
    assertThat(banned()).containsExactly(B);
    assertThat(outcome.complaints().isEmpty()).isTrue();
  }

  @Test
  void merge_removedButBannedAnewMeanwhile_staysBannedAndSaysSo() {
    ban(A, END, "x");
    ShownBans opened = shown();
    ban(A, END.plusSeconds(9_000), "offended again");

    BlocklistHands.Outcome outcome = absorb(without(opened.document(), A), opened);

    assertThat(outcome.events()).isEmpty();
    assertThat(outcome.complaints().kept())
        .containsExactly(
            "203.0.113.1 was banned anew after version 1 and stays banned; open the blocklist again"
                + " and remove it there");
  }

  @Test
  void merge_removedAndGoneMeanwhile_isNothing() {
    ban(A, END, "x");
    ShownBans opened = shown();
    unban(A);

    BlocklistHands.Outcome outcome = absorb(without(opened.document(), A), opened);

    assertThat(outcome.events()).isEmpty();
    assertThat(outcome.complaints().isEmpty()).isTrue();
  }

  @Test
  void merge_unbannedMeanwhile_isNotBannedAgainByALineThatStayed() {
    ban(A, END, "x");
    ban(B, END, "x");
    ShownBans opened = shown();
    unban(A);

    apply(absorb(without(opened.document(), B), opened));

    assertThat(banned()).isEmpty();
  }

  @Test
  void merge_changedButUnbannedMeanwhile_staysUnbannedAndSaysSo() {
    ban(A, END, "x");
    ShownBans opened = shown();
    unban(A);

    BlocklistHands.Outcome outcome = absorb(with(opened.document(), A, "2099-01-01", "x"), opened);

    assertThat(outcome.events()).isEmpty();
    assertThat(outcome.complaints().kept())
        .containsExactly(
            "203.0.113.1 was unbanned after version 1 and stays so; open the blocklist again and"
                + " add it there");
  }

  @Test
  void merge_changedAndEndedMeanwhile_bansAnew() {
    ban(A, now.plusSeconds(5), "x");
    ShownBans opened = shown();
    now = now.plusSeconds(10);

    apply(absorb(with(opened.document(), A, "2099-01-01", "x"), opened));

    assertThat(until(A)).isEqualTo("2099-01-01T00:00:00Z");
  }

  @Test
  void merge_endedMeanwhileAndLeftAlone_isNothing() {
    ban(A, now.plusSeconds(5), "x");
    ShownBans opened = shown();
    now = now.plusSeconds(10);

    assertThat(absorb(opened.document(), opened).events()).isEmpty();
  }

  @Test
  void merge_endedAndBannedAnewMeanwhile_removalOfTheOldStays() {
    ban(A, now.plusSeconds(5), "x");
    ShownBans opened = shown();
    now = now.plusSeconds(10);
    ban(A, END, "again");

    assertThat(absorb(without(opened.document(), A), opened).events()).isEmpty();
  }

  @Test
  void merge_shortenedButProlongedMeanwhile_keepsTheLaterEnd() {
    ban(A, END, "x");
    ShownBans opened = shown();
    ban(A, END.plusSeconds(9_000), "offended again");

    assertThat(absorb(with(opened.document(), A, "2026-11-21T08:00:00Z", "x"), opened).events())
        .isEmpty();
    apply(absorb(with(opened.document(), A, "2099-01-01", "x"), opened));
    assertThat(until(A)).isEqualTo("2099-01-01T00:00:00Z");
  }

  @Test
  void merge_addedAndBannedMeanwhile_keepsTheLaterEnd() {
    ShownBans opened = shown();
    ban(A, null, "by a rule");

    assertThat(absorb(with(opened.document(), A, "2099-01-01", "x"), opened).events()).isEmpty();
  }

  @Test
  void merge_twoPeopleAtOnce_bothCount() {
    ban(A, END, "x");
    ban(B, END, "x");
    ShownBans opened = shown();

    apply(absorb(without(opened.document(), A), opened));
    apply(absorb(with(without(opened.document(), B), C, "2099-01-01", "c"), opened));

    assertThat(banned()).containsExactly(C);
  }

  @Test
  void merge_anEntryThatCannotBeRead_isNoRemoval() {
    ban(A, END, "x");
    ban(B, END, "x");

    BlocklistHands.Outcome outcome =
        absorb(with(without(shown().document(), B), A, "tomorrow", "x"));

    assertThat(outcome.events())
        .singleElement()
        .satisfies(event -> assertThat(((BanEvent.Unban) event).ip()).hasToString(B));
    assertThat(outcome.complaints().kept()).singleElement().asString().contains("tomorrow");
  }

  @Test
  void merge_aTruncatedDocument_unbansNoneThatWasNotShown() {
    String reason = "r".repeat(400);
    for (int i = 0; i < 2_000; i++) {
      ban(IpPrefix.ofV4(0xc633_6401 + i).toString(), END, reason);
    }
    ShownBans opened = shown();
    assertThat(opened.truncated()).isGreaterThan(500);
    String newest = IpPrefix.ofV4(0xc633_6401 + 1_999).toString();
    now = now.plusSeconds(1_000);

    assertThat(absorb(without(opened.document(), newest), opened).events()).hasSize(1);
  }

  // ---- a document without

  @Test
  void add_thePatchOfTheOriginal_bansOneAndTouchesNoOther() {
    ban(A, END, "x");

    apply(
        add(
            "{\"203.0.113.2\":{\"banned_at\":\"2026-03-20T00:00:00Z\","
                + "\"expires_at\":\"2099-01-01T00:00:00Z\",\"reason\":\"manual\",\"hit_count\":1}}"));

    assertThat(banned()).containsExactly(A, B);
    assertThat(until(A)).isEqualTo(END.toString());
  }

  @Test
  void add_anEmptyObject_isNothing() {
    ban(A, END, "x");

    assertThat(add("{}").events()).isEmpty();
  }

  @Test
  void add_null_unbans() {
    ban(A, END, "x");
    ban(B, END, "x");

    apply(add("{\"203.0.113.1\":null,\"203.0.113.9\":null}"));

    assertThat(banned()).containsExactly(B);
    assertThat(log).hasSize(3);
  }

  @Test
  void add_ofOneThatIsBanned_changesIt() {
    ban(A, null, "x");

    apply(add("{\"203.0.113.1\":{\"expires_at\":\"2026-11-21T08:00:00Z\"}}"));

    assertThat(until(A)).isEqualTo("2026-11-21T08:00:00Z");
  }

  @Test
  void add_anEndInThePast_touchesNothing() {
    ban(A, END, "banned anew long after it stood in somebody's file");

    assertThat(add("{\"203.0.113.1\":{\"expires_at\":\"2026-03-21T08:00:00Z\"}}").events())
        .isEmpty();
  }

  @Test
  void add_theSameFileAgainAndAgain_isOneEvent() {
    String file =
        "{\"203.0.113.1\":{\"expires_at\":\"2099-01-01\",\"reason\":\"" + "r".repeat(600) + "\"}}";

    apply(add(file));
    now = now.plusSeconds(180);
    apply(add(file));

    assertThat(log).hasSize(1);
  }

  @Test
  void add_aBanByHandAfterOffences_keepsTheirNumber() {
    append(
        new BanEvent.Ban(T0, IpPrefix.parse(A), END, "r", "", 3, SeenAs.PEER, "w", 4, null, null));

    apply(add("{\"203.0.113.1\":{\"expires_at\":\"2099-01-01\"}}"));

    assertThat(standing(A).ban().offence()).isEqualTo(4);
  }

  @Test
  void add_aPrefix_bansThat() {
    apply(add("{\" 2001:db8::1/64\":{\"expires_at\":\"2099-01-01\"}}"));

    assertThat(banned()).containsExactly("2001:db8::/64");
  }

  // ---- refused

  @Test
  void absorb_aProtectedAddress_isRefusedAloneWithTheReason() {
    append(new BanEvent.Allow(T0, IpPrefix.parse("198.51.100.0/24"), null, "cli", "office"));

    BlocklistHands.Outcome outcome =
        add(
            "{\"10.1.2.3\":{\"expires_at\":\"2099-01-01\"},"
                + "\"0.0.0.0/0\":{\"expires_at\":\"2099-01-01\"},"
                + "\"198.51.100.7\":{\"expires_at\":\"2099-01-01\"},"
                + "\"203.0.113.1\":{\"expires_at\":\"2099-01-01\"}}");
    apply(outcome);

    assertThat(banned()).containsExactly(A);
    assertThat(outcome.complaints().kept())
        .containsExactly(
            "0.0.0.0/0 was not banned: reserved range 0.0.0.0/8 (this network) is protected",
            "10.1.2.3 was not banned: private network 10.0.0.0/8 is protected",
            "198.51.100.7 was not banned: allowlist 198.51.100.0/24 is protected");
  }

  @Test
  void absorb_garbage_changesNothing() {
    ban(A, END, "x");

    BlocklistHands.Outcome outcome = absorb(shown().document().replace("}\n", ""));

    assertThat(outcome.events()).isEmpty();
    assertThat(outcome.complaints().kept())
        .singleElement()
        .asString()
        .startsWith("nothing was changed: it is no JSON: line ");
  }

  @Test
  void absorb_moreThanABatch_goesInPiecesAndTheLastNamesTheEdit() {
    StringBuilder file = new StringBuilder("{");
    for (int i = 0; i < BanLog.MAX_BATCH_EVENTS + 5; i++) {
      file.append('"')
          .append(IpPrefix.ofV4(0xc633_6401 + i))
          .append("\":{\"expires_at\":\"2099-01-01\"},");
    }
    String text = file.append('}').toString();

    BlocklistHands.Outcome first = add(text);
    apply(first);
    BlocklistHands.Outcome second = add(text);

    assertThat(first.more()).isTrue();
    assertThat(first.events()).hasSize(BanLog.MAX_BATCH_EVENTS);
    assertThat(state.lastEdit()).isEmpty();
    assertThat(second.more()).isFalse();
    assertThat(second.events()).hasSize(5);
    apply(second);
    assertThat(state.lastEdit()).contains(EDIT.name());
  }

  // ---- random edits against a model

  @Test
  void absorb_randomEditsAndEventsMeanwhile_agreesWithAModel() {
    for (long seed = 1; seed <= 600; seed++) {
      BlocklistHandsTest run = new BlocklistHandsTest();
      run.randomEdits(new Random(seed), "seed " + seed);
    }
  }

  private void randomEdits(Random random, String where) {
    for (int round = 0; round < 6; round++) {
      randomEvents(random, 4);
      ShownBans opened = shown();
      boolean additive = random.nextInt(3) == 0;
      Map<String, String> entries = new TreeMap<>();
      if (!additive) {
        opened.bans().forEach((ip, ban) -> entries.put(ip.toString(), entryOf(ban)));
      }
      Map<String, @Nullable String> intents = new TreeMap<>();
      for (int i = random.nextInt(4); i > 0; i--) {
        String ip = address(random);
        String entry = randomEntry(random);
        if (!additive && random.nextBoolean()) {
          entries.remove(ip);
        } else {
          entries.put(ip, entry);
        }
      }
      TreeSet<String> touched = new TreeSet<>(entries.keySet());
      opened.bans().keySet().forEach(ip -> touched.add(ip.toString()));
      for (String ip : touched) {
        ActiveBan ban = opened.bans().get(IpPrefix.parse(ip));
        String before = additive || ban == null ? null : entryOf(ban);
        String after = entries.get(ip);
        if (additive ? after != null : !Objects.equals(before, after)) {
          intents.put(ip, after);
        }
      }
      randomEvents(random, 3);
      String text = text(entries, additive ? null : opened);
      Map<String, String> expected = expected(intents, additive ? null : opened);

      BlocklistHands.Outcome outcome = absorb(text, additive ? null : opened);
      apply(outcome);
      assertThat(ends()).as("%s round %d: %s", where, round, text).isEqualTo(expected);
      assertThat(absorb(text, additive ? null : opened).events()).as(where).isEmpty();
      assertThat(ends()).as(where).doesNotContainKey("10.0.0.1");
    }
  }

  /** The plainest words for what an edit does. */
  private Map<String, String> expected(
      Map<String, @Nullable String> intents, @Nullable ShownBans base) {
    Map<String, String> ends = ends();
    intents.forEach((ip, entry) -> {
      ActiveBan standing = find(ip);
      ActiveBan shown = base == null ? null : base.bans().get(IpPrefix.parse(ip));
      boolean came = base != null && standing != null && standing.seq() > base.stamp().version();
      String end = entry == null || entry.equals("null") ? "" : end(entry);
      boolean over = end.isEmpty() || !Instant.parse(end).isAfter(now);
      if (over) {
        boolean explicit = entry != null && entry.equals("null") && shown == null;
        boolean removal = explicit || shown != null && !came;
        if (removal) {
          ends.remove(ip);
        }
      } else if (!ip.equals("10.0.0.1")) {
        String before = ends.getOrDefault(ip, "");
        boolean gone =
            shown != null && standing == null && ShownBans.end(shown.ban().until()).isAfter(now);
        boolean later = end.compareTo(before) > 0;
        boolean mayShorten = base == null || shown != null && !came;
        if (!gone && (later || mayShorten)) {
          ends.put(ip, end);
        }
      }
    });
    return ends;
  }

  private static String end(String entry) {
    return entry.replaceAll(".*\"expires_at\":\"([^\"]*)\".*", "$1");
  }

  private static String entryOf(ActiveBan ban) {
    return "{\"expires_at\":\""
        + ShownBans.end(ban.ban().until())
        + "\",\"reason\":\""
        + ban.ban().reason()
        + "\"}";
  }

  private String randomEntry(Random random) {
    Instant end = now.plusSeconds(random.nextInt(400) - 100).truncatedTo(ChronoUnit.SECONDS);
    return switch (random.nextInt(5)) {
      case 0 -> "null";
      case 1 -> "{\"expires_at\":\"9999-12-31T23:59:59Z\",\"reason\":\"ever\"}";
      default -> "{\"expires_at\":\"" + end + "\",\"reason\":\"r" + random.nextInt(2) + "\"}";
    };
  }

  private static String text(Map<String, String> entries, @Nullable ShownBans opened) {
    StringBuilder text = new StringBuilder("{\n");
    entries.forEach(
        (ip, entry) -> text.append('"').append(ip).append("\": ").append(entry).append(",\n"));
    if (opened != null) {
      String document = opened.document();
      text.append(
          document,
          document.indexOf("\"_version\""),
          document.lastIndexOf('\n', document.length() - 2));
    }
    return text.append("\n}").toString();
  }

  private void randomEvents(Random random, int most) {
    for (int i = random.nextInt(most + 1); i > 0; i--) {
      now = now.plusSeconds(random.nextInt(30));
      String ip = "203.0.113." + random.nextInt(8);
      if (random.nextInt(3) == 0) {
        unban(ip);
      } else {
        Instant end = random.nextInt(6) == 0 ? null : now.plusSeconds(1 + random.nextInt(200));
        ban(ip, end, "r" + random.nextInt(2));
      }
    }
    now = now.plusSeconds(random.nextInt(30));
  }

  private static String address(Random random) {
    return random.nextInt(12) == 0 ? "10.0.0.1" : "203.0.113." + random.nextInt(8);
  }

  private Map<String, String> ends() {
    Map<String, String> ends = new TreeMap<>();
    state
        .list(now)
        .forEach(ban ->
            ends.put(ban.ban().ip().toString(), ShownBans.end(ban.ban().until()).toString()));
    return ends;
  }

  // ---- words of the tests

  private ShownBans shown() {
    return ShownBans.of(state, now);
  }

  private BlocklistHands.Outcome absorb(String document) {
    return absorb(document, shown());
  }

  private BlocklistHands.Outcome add(String document) {
    return absorb(document, null);
  }

  private BlocklistHands.Outcome absorb(String document, @Nullable ShownBans opened) {
    WrittenDocument written = WrittenDocument.read(document);
    if (opened != null && written.usable()) {
      assertThat(written.stamp()).isEqualTo(opened.stamp());
      ActiveBans then = new ActiveBans();
      log.stream().limit(opened.stamp().version()).forEach(then::apply);
      assertThat(ShownBans.of(then, opened.stamp().at())).isEqualTo(opened);
    }
    return BlocklistHands.absorb(
        written, opened, EDIT, state, now, ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)));
  }

  private void apply(BlocklistHands.Outcome outcome) {
    outcome.events().forEach(this::append);
  }

  private void ban(String ip, @Nullable Instant until, String reason) {
    append(
        new BanEvent.Ban(
            now,
            IpPrefix.parse(ip),
            until,
            "probing",
            reason,
            3,
            SeenAs.PEER,
            "watcher",
            1,
            null,
            null));
  }

  private void unban(String ip) {
    append(new BanEvent.Unban(now, IpPrefix.parse(ip), "cli", ""));
  }

  private void append(BanEvent event) {
    SequencedEvent next = new SequencedEvent(log.size() + 1L, event);
    log.add(next);
    state.apply(next);
  }

  private List<String> told(BlocklistHands.Outcome outcome) {
    return outcome.events().stream()
        .map(event -> BanEventJson.toLine(new SequencedEvent(1, event)).replace("\"seq\":1,", ""))
        .toList();
  }

  private List<String> banned() {
    return state.list(now).stream().map(ban -> ban.ban().ip().toString()).toList();
  }

  private @Nullable ActiveBan find(String ip) {
    return state.get(IpPrefix.parse(ip), now).stream().findFirst().orElse(null);
  }

  private ActiveBan standing(String ip) {
    return Objects.requireNonNull(find(ip), ip);
  }

  private String until(String ip) {
    Instant until = standing(ip).ban().until();
    return until == null ? "never" : until.toString();
  }

  private static String without(String document, String ip) {
    String changed = document.replaceAll("(?m)^  \"" + ip + "\":.*\n", "");
    assertThat(changed).isNotEqualTo(document);
    return changed;
  }

  private static String with(String document, String ip, String end, String reason) {
    return line(
        document.replaceAll("(?m)^  \"" + ip + "\":.*\n", ""),
        "\""
            + ip
            + "\": {\"expires_at\":\""
            + end
            + "\",\"reason\":\""
            + reason
            + "\",\"hit_count\":1}");
  }

  private static String line(String document, String line) {
    return document.replaceFirst("\n", "\n  " + line + ",\n");
  }
}
