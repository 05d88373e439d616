package io.ipsentry.kubernetes.blocklist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class BlocklistProjectionTest {
  private static final Instant T0 = Instant.parse("2026-11-21T07:00:00Z");
  private static final String A = "203.0.113.1";
  private static final String B = "203.0.113.2";
  private static final String PATCH_B =
      "{\"203.0.113.2\":{\"expires_at\":\"2099-01-01T00:00:00Z\",\"reason\":\"mine\"}}";
  private static final String PATCH_C =
      "{\"203.0.113.3\":{\"expires_at\":\"2099-01-01T00:00:00Z\",\"reason\":\"mine\"}}";

  private final InMemoryBanLog log = new InMemoryBanLog();
  private final SimulatedBlocklist store = new SimulatedBlocklist();
  private final List<BlocklistProjection> open = new ArrayList<>();
  private Instant now = T0;
  private final BanWriter others = BanWriter.start(log, () -> now, event -> {});
  private long nanos;
  private BlocklistProjection projection = successor();

  @AfterEach
  void close() {
    open.forEach(BlocklistProjection::close);
    log.close();
  }

  // ---- showing

  @Test
  void step_nothingThere_makesTheDocument() throws Exception {
    ban(A, "x");
    step();

    assertThat(store.current().data())
        .containsEntry("version", "1")
        .containsEntry("active", "1")
        .containsOnlyKeys("blocklist.json", "version", "active", "digest", "replaces");
    assertThat(store.document()).contains("\"203.0.113.1\": {\"banned_at\"");
  }

  @Test
  void step_logMoved_isShownSoon() throws Exception {
    step();
    ban(A, "x");
    settle();

    assertThat(store.document()).contains(A);
    assertThat(store.current().data()).containsEntry("version", "1");
  }

  @Test
  void step_aBanEnds_isNotShownAnyMore() throws Exception {
    ban(A, "x");
    settle();
    now = now.plusSeconds(86_401);
    settle();

    assertThat(store.document()).doesNotContain(A);
    assertThat(store.current().data()).containsEntry("active", "0");
  }

  @Test
  void step_nothingHappens_nothingIsWritten() throws Exception {
    ban(A, "x");
    settle();
    int before = store.versions().size();
    settle();
    settle();

    assertThat(store.versions()).hasSize(before);
  }

  @Test
  void step_manyChangesOfALargeDocument_writesAtMostItsShare() throws Exception {
    for (int i = 0; i < 3_000; i++) {
      ban(IpPrefix.ofV4(0xc633_6401 + i).toString(), "r".repeat(50));
    }
    step();
    long begun = store.bytesWritten();
    for (int second = 0; second < 300; second++) {
      now = now.plusSeconds(1);
      nanos += 1_000_000_000L;
      ban(A, "r" + second);
      // Until the log's thread has told of it, which on a busy machine takes its time.
      projection.step(Duration.ofSeconds(1));
    }

    long written = store.bytesWritten() - begun;
    assertThat(written).isBetween(100L * 64 * 1024, 301L * 64 * 1024);
  }

  @Test
  void step_keysAndLabelsOfOthers_stay() throws Exception {
    step();
    Map<String, @Nullable String> theirs = Map.of("note", "theirs");
    BlocklistStore.Found ignored = store.update(store.current(), theirs);
    ban(A, "x");
    settle();

    assertThat(store.current().data()).containsEntry("note", "theirs").containsEntry("active", "1");
  }

  @Test
  void step_moreThanThereIsRoomFor_saysHowMany() throws Exception {
    for (int i = 0; i < 9_000; i++) {
      ban(IpPrefix.ofV4(0xc633_6401 + i).toString(), "r".repeat(50));
    }
    settle();
    int truncated = Integer.parseInt(store.current().data().getOrDefault("truncated", "0"));
    assertThat(truncated).isBetween(4_000, 8_000);
    assertThat(store.current().data()).containsEntry("active", "9000");

    now = now.plusSeconds(86_401);
    settle();
    assertThat(store.current().data()).doesNotContainKey("truncated").containsEntry("active", "0");
  }

  // ---- hands

  @Test
  void step_thePatchOfTheOriginal_addsOneAndKeepsTheOthers() throws Exception {
    ban(A, "x");
    settle();
    store.write("kubectl-patch", PATCH_B);
    settle();

    assertThat(events())
        .containsExactly("ban 203.0.113.1 by w", "ban 203.0.113.2 by kubectl-patch");
    assertThat(store.document()).contains(A, B, "_version");
  }

  @Test
  void step_twoQuickPatches_bothCount() throws Exception {
    settle();
    store.write("kubectl-patch", PATCH_B);
    store.write("kubectl-patch", PATCH_C);
    settle();

    assertThat(events())
        .containsExactly("ban 203.0.113.2 by kubectl-patch", "ban 203.0.113.3 by kubectl-patch");
  }

  @Test
  void step_editedWhileItIsWritten_theEditIsNotLost() throws Exception {
    settle();
    ban(A, "x");
    store.beforeNextWrite(() -> store.write("kubectl-patch", PATCH_B));
    settle();
    settle();

    assertThat(events())
        .containsExactly("ban 203.0.113.1 by w", "ban 203.0.113.2 by kubectl-patch");
    assertThat(store.document()).contains(A, B);
  }

  @Test
  void step_anEditorLeftOpenWhileBansArrive_removesOnlyWhatWasRemoved() throws Exception {
    ban(A, "x");
    settle();
    String opened = store.document();
    for (int i = 10; i < 20; i++) {
      ban("203.0.113." + i, "meanwhile");
      settle();
    }
    store.write("kubectl-edit", opened.replaceAll("(?m)^  \"203.0.113.1\".*\n", ""));
    settle();

    assertThat(events()).hasSize(12).last().isEqualTo("unban 203.0.113.1 by kubectl-edit");
    assertThat(store.document()).contains("203.0.113.10", "203.0.113.19").doesNotContain(A + '"');
  }

  @Test
  void step_madeFromAVersionAheadOfTheLog_isRefusedWithANote() throws Exception {
    ban(A, "x");
    settle();
    store.write(
        "kubectl-edit", store.document().replace("\"hit_count\":1}\n", "\"hit_count\":9}\n"));
    String at = store.current().version();
    settle();

    assertThat(events()).hasSize(1);
    assertThat(store.notes())
        .containsExactly(
            Map.entry(
                at,
                "nothing was changed: it says that it is made from version 9, but the newest is 1;"
                    + " open the blocklist again and edit that"));
    assertThat(store.document()).contains(A).contains("\"hit_count\":1}\n");
  }

  @Test
  void step_garbage_isRefusedWithANoteAndWrittenOver() throws Exception {
    ban(A, "x");
    settle();
    store.write("kubectl-edit", "{oops");
    settle();

    assertThat(events()).hasSize(1);
    assertThat(store.notes().values())
        .singleElement()
        .asString()
        .startsWith("nothing was changed: it is no JSON: line 1, column 2: ");
    assertThat(store.document()).contains(A);
  }

  @Test
  void step_aProtectedAddress_isRefusedAloneWithANote() throws Exception {
    settle();
    store.write(
        "kubectl-patch",
        "{\"10.0.0.1\":{\"expires_at\":\"2099-01-01\"},\"203.0.113.2\":{\"expires_at\":"
            + "\"2099-01-01\"}}");
    settle();

    assertThat(events()).containsExactly("ban 203.0.113.2 by kubectl-patch");
    assertThat(store.notes().values())
        .containsExactly("10.0.0.1 was not banned: private network 10.0.0.0/8 is protected");
    assertThat(store.document()).doesNotContain("10.0.0.1");
  }

  @Test
  void step_deleted_isMadeAgainAndNobodyIsUnbanned() throws Exception {
    ban(A, "x");
    settle();
    String uid = store.current().uid();
    store.delete();
    settle();

    assertThat(store.current().uid()).isNotEqualTo(uid);
    assertThat(store.document()).contains(A);
    assertThat(events()).hasSize(1);
    store.write("kubectl-patch", PATCH_B);
    settle();
    assertThat(events()).hasSize(2);
  }

  @Test
  void step_theDocumentOfTheOriginalBesideAnEmptyLog_isTakenOver() throws Exception {
    store.write(
        "OpenAPI-Generator",
        """
        {"203.0.113.1":{"banned_at":"2026-11-20T10:00:00Z","expires_at":"2026-11-22T10:00:00Z","reason":"^/wp-admin","hit_count":5},
         "203.0.113.2":{"banned_at":"2026-11-19T10:00:00Z","expires_at":"2026-11-20T10:00:00Z","reason":"over","hit_count":5}}
        """);
    settle();

    assertThat(events()).containsExactly("ban 203.0.113.1 by import");
    assertThat(store.document()).contains("\"reason\":\"^/wp-admin\",\"hit_count\":5}");
  }

  // ---- leaders that come and go

  @Test
  void step_aSuccessor_doesNotCarryOutAnEditTwice() throws Exception {
    settle();
    store.write("kubectl-patch", PATCH_B);
    // Carried out, but not shown: it dies before it may write.
    nanos -= 3_600_000_000_000L;
    step();
    assertThat(events()).hasSize(1);
    assertThat(store.document()).isEqualTo(PATCH_B);
    unban(B);
    nanos += 3_600_000_000_000L;

    projection = successor();
    settle();

    assertThat(events())
        .containsExactly("ban 203.0.113.2 by kubectl-patch", "unban 203.0.113.2 by w");
    assertThat(store.document()).doesNotContain(B);
  }

  @Test
  void step_editedWhileNobodyLeads_isCarriedOutByTheNext() throws Exception {
    ban(A, "x");
    settle();
    projection.close();
    store.write("kubectl-edit", store.document().replaceAll("(?m)^  \"203.0.113.1\".*\n", ""));

    projection = successor();
    settle();

    assertThat(events()).last().isEqualTo("unban 203.0.113.1 by kubectl-edit");
  }

  @Test
  void step_editedTwiceWhileNobodyLeads_bothCountBehindTheLastEdit() throws Exception {
    settle();
    store.write("kubectl-patch", PATCH_B);
    settle();
    projection.close();
    store.write("kubectl-patch", PATCH_C);
    store.write("kubectl-patch", "{\"203.0.113.4\":{\"expires_at\":\"2099-01-01\"}}");

    projection = successor();
    settle();

    assertThat(events())
        .containsExactly(
            "ban 203.0.113.2 by kubectl-patch",
            "ban 203.0.113.3 by kubectl-patch",
            "ban 203.0.113.4 by kubectl-patch");
  }

  @Test
  void step_theFirstEditsEverWhileNobodyLeads_allCount() throws Exception {
    step();
    projection.close();
    store.write("kubectl-patch", PATCH_B);
    store.write("kubectl-patch", PATCH_C);

    projection = successor();
    settle();

    assertThat(events())
        .containsExactly("ban 203.0.113.2 by kubectl-patch", "ban 203.0.113.3 by kubectl-patch");
    assertThat(store.document()).contains(B, "203.0.113.3", "_version");
  }

  /** What the API server remembers must reach back to what was shown last, and no further. */
  @Test
  void step_editedTwiceAndTheLastEditBeforeIsForgotten_bothCount() throws Exception {
    settle();
    store.write("kubectl-patch", PATCH_B);
    settle();
    ban(A, "x");
    settle();
    ban("203.0.113.9", "x");
    settle();
    store.forgetBelow(store.current().version());
    projection.close();
    store.write("kubectl-patch", PATCH_C);
    store.write("kubectl-patch", "{\"203.0.113.4\":{\"expires_at\":\"2099-01-01\"}}");

    projection = successor();
    settle();

    assertThat(events())
        .endsWith("ban 203.0.113.3 by kubectl-patch", "ban 203.0.113.4 by kubectl-patch")
        .hasSize(5);
  }

  @Test
  void step_aSuccessor_doesNotGoBackBehindWhatALeaderShowed() throws Exception {
    settle();
    store.write("kubectl-patch", PATCH_B);
    settle();
    ban("203.0.113.3", "by a rule, as the patch wants it");
    settle();
    store.write(
        "kubectl-patch",
        "{\"203.0.113.3\":{\"expires_at\":\"2001-01-01\"},"
            + "\"203.0.113.2\":{\"expires_at\":\"2099-01-01T00:00:00Z\",\"reason\":\"mine\"}}");
    settle();
    unban(B);
    settle();

    projection = successor();
    settle();

    assertThat(events()).hasSize(3).last().isEqualTo("unban 203.0.113.2 by w");
  }

  @Test
  void step_aSuccessorOfAnUntouchedDocument_writesNothing() throws Exception {
    ban(A, "x");
    settle();
    int before = store.versions().size();

    projection = successor();
    settle();

    assertThat(store.versions()).hasSize(before);
  }

  @Test
  void step_twoLeaders_carryOutAnEditOnceAndComeToRest() throws Exception {
    BlocklistProjection other = successor();
    settle();
    other.step(Duration.ZERO);
    store.write("kubectl-patch", PATCH_B);
    for (int i = 0; i < 10; i++) {
      nanos += 1_000_000_000L;
      step();
      other.step(Duration.ZERO);
    }
    int before = store.versions().size();
    for (int i = 0; i < 10; i++) {
      nanos += 1_000_000_000L;
      step();
      other.step(Duration.ZERO);
    }

    assertThat(events()).containsExactly("ban 203.0.113.2 by kubectl-patch");
    assertThat(store.versions()).hasSize(before);
  }

  // ---- trouble

  @Test
  void step_theAnswerToAWriteIsLost_goesOn() throws Exception {
    settle();
    ban(A, "x");
    store.loseNextReply();
    boolean failed = false;
    for (int i = 0; i < 1_000 && !failed; i++) {
      nanos += 1_000_000_000L;
      try {
        projection.step(Duration.ofMillis(5));
      } catch (BlocklistStoreException e) {
        failed = true;
      }
    }
    assertThat(failed).isTrue();
    settle();
    store.write("kubectl-patch", PATCH_B);
    settle();

    assertThat(events()).hasSize(2);
    assertThat(store.document()).contains(A, B);
  }

  @Test
  void step_theWatchEnds_looksAgain() throws Exception {
    settle();
    store.dropWatches();
    store.write("kubectl-patch", PATCH_B);
    settle();
    store.write("kubectl-patch", PATCH_C);
    settle();

    assertThat(events()).hasSize(2);
  }

  @Test
  void step_theApiServerIsAway_throwsAndGoesOnLater() throws Exception {
    settle();
    ban(A, "x");
    store.setAway(true);
    nanos += 60_000_000_000L;
    assertThatThrownBy(this::settle).isInstanceOf(BlocklistStoreException.class);
    store.setAway(false);
    settle();

    assertThat(store.document()).contains(A);
  }

  @Test
  void step_theLogIsFull_theEditWaits() throws Exception {
    InMemoryBanLog small = new InMemoryBanLog(0);
    try (BlocklistProjection waiting =
        new BlocklistProjection(
            store,
            small,
            BanWriter.start(small, () -> now, event -> {}),
            () -> ProtectedPrefixes.NONE,
            () -> now,
            () -> nanos)) {
      waiting.step(Duration.ZERO);
      store.write("kubectl-patch", PATCH_B);
      nanos += 60_000_000_000L;
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> waiting.step(Duration.ZERO)).hasMessageContaining("waits");
      }
      assertThat(store.document()).isEqualTo(PATCH_B);
    }
    small.close();
  }

  // ---- words of the tests

  private BlocklistProjection successor() {
    BlocklistProjection next =
        new BlocklistProjection(
            store,
            log,
            BanWriter.start(log, () -> now, event -> {}),
            () -> ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)),
            () -> now,
            () -> nanos);
    open.add(next);
    return next;
  }

  private void step() throws InterruptedException {
    projection.step(Duration.ZERO);
  }

  /** Steps until what is shown is the head of the log, and once more. */
  private void settle() throws InterruptedException {
    String head = Long.toString(log.head());
    for (int i = 0; i < 1_000; i++) {
      nanos += 20_000_000_000L;
      // The log tells of what it has got on a thread of its own.
      projection.step(Duration.ofMillis(5));
      if (store.get().isPresent() && head.equals(store.current().data().get("version"))) {
        break;
      }
      head = Long.toString(log.head());
    }
    nanos += 20_000_000_000L;
    step();
  }

  private void ban(String ip, String reason) {
    append(
        new BanEvent.Ban(
            now,
            IpPrefix.parse(ip),
            now.plusSeconds(86_400),
            "probing",
            reason,
            3,
            SeenAs.PEER,
            "w",
            1,
            null,
            null));
  }

  private void unban(String ip) {
    append(new BanEvent.Unban(now, IpPrefix.parse(ip), "w", ""));
  }

  private void append(BanEvent event) {
    assertThat(others.write((state, at) -> List.of(event)))
        .isInstanceOf(BanWriter.Outcome.Written.class);
  }

  private List<String> events() {
    return log.read(1, 100_000).stream()
        .map(event ->
            switch (event.event()) {
              case BanEvent.Ban ban -> "ban " + ban.ip() + " by " + ban.by();
              case BanEvent.Unban unban -> "unban " + unban.ip() + " by " + unban.by();
              case BanEvent.Allow allow -> "allow " + allow.ip();
              case BanEvent.Disallow disallow -> "disallow " + disallow.ip();
              case BanEvent.Feed feed -> "feed " + feed.feed();
            })
        .toList();
  }
}
