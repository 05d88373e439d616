package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.feed.FeedAction;
import io.ipsentry.feed.FeedRecord;
import io.ipsentry.feed.FeedStore.Stored;
import io.ipsentry.feed.InvalidFeedException;
import io.ipsentry.net.PrefixSet;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SqliteFeedStoreTest {
  private static final Instant AT = Instant.parse("2026-11-26T12:00:00Z");

  @TempDir private Path directory;

  private SqliteFeedStore open() {
    return SqliteFeedStore.open(SqliteFeedStore.pathBeside(directory.resolve("bans.db")));
  }

  private static FeedRecord record(String feed, Stored content) {
    return new FeedRecord(
        feed, "o", FeedAction.BAN, content.digest(), content.entries(), "e", "", AT, AT, false);
  }

  @Test
  void get_afterTheStoreWasClosed_hasWhatWasPut() {
    PrefixSet set = PrefixSet.parse("192.0.2.0/24", "2001:db8::1");
    Stored stored;
    try (SqliteFeedStore store = open()) {
      stored = store.put("a", set);
      assertThat(store.put("a", set)).isEqualTo(stored);
      store.keep(record("a", stored));
    }

    try (SqliteFeedStore store = open()) {
      assertThat(store.records()).containsExactly(record("a", stored));
      assertThat(store.get("a", stored.digest())).isEqualTo(set);
      assertThatThrownBy(() -> store.get("b", stored.digest()))
          .isInstanceOf(InvalidFeedException.class)
          .hasMessageContaining("is not there");
    }
  }

  @Test
  void keep_newContents_keepsTheOneBefore() {
    try (SqliteFeedStore store = open()) {
      Stored first = store.put("a", PrefixSet.parse("192.0.2.1"));
      store.keep(record("a", first));
      Stored other = store.put("b", PrefixSet.parse("192.0.2.9"));
      store.keep(record("b", other));
      Stored second = store.put("a", PrefixSet.parse("192.0.2.2"));
      store.keep(record("a", second));
      assertThat(store.get("a", first.digest()).size()).isEqualTo(1);
      Stored third = store.put("a", PrefixSet.parse("192.0.2.3"));
      store.keep(record("a", third));

      assertThat(store.get("a", second.digest())).isEqualTo(PrefixSet.parse("192.0.2.2"));
      assertThat(store.get("a", third.digest())).isEqualTo(PrefixSet.parse("192.0.2.3"));
      assertThatThrownBy(() -> store.get("a", first.digest()))
          .isInstanceOf(InvalidFeedException.class);

      store.forget("a");
      assertThat(store.records()).containsExactly(record("b", other));
      assertThatThrownBy(() -> store.get("a", third.digest()))
          .isInstanceOf(InvalidFeedException.class);
      assertThat(store.get("b", other.digest()).size()).isEqualTo(1);
    }
  }
}
