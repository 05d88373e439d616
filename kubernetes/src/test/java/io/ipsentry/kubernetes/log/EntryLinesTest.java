package io.ipsentry.kubernetes.log;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.TestEvents;
import java.util.List;
import org.junit.jupiter.api.Test;

final class EntryLinesTest {
  private static final String LINE = "{\"seq\":7,\"reason\":\"Grüße, 你好\"}\n";

  @Test
  void compressed_large_isTheSameText() {
    EntryLines lines = EntryLines.of(LINE.repeat(5_000));

    EntryLines compressed = lines.compressed();

    assertThat(lines.isWorthCompressing()).isTrue();
    assertThat(compressed).isNotSameAs(lines).isEqualTo(lines).hasSameHashCodeAs(lines);
    assertThat(compressed.text()).isEqualTo(LINE.repeat(5_000));
    assertThat(compressed.length()).isEqualTo(lines.length());
    assertThat(compressed.isEmpty()).isFalse();
    assertThat(compressed.isWorthCompressing()).isFalse();
    assertThat(compressed.compressed()).isSameAs(compressed);
  }

  @Test
  void compressed_small_staysAsItIs() {
    EntryLines lines = EntryLines.of(LINE);

    assertThat(lines.compressed()).isSameAs(lines);
    assertThat(EntryLines.NONE.compressed().isEmpty()).isTrue();
  }

  @Test
  void equals_otherText_isFalse() {
    EntryLines lines = EntryLines.of("a".repeat(8_000)).compressed();

    assertThat(lines).isNotEqualTo(EntryLines.of("b".repeat(8_000)));
    assertThat(lines).isNotEqualTo(EntryLines.of("a".repeat(8_001)).compressed());
  }

  @Test
  void compressed_entry_hasTheSameEvents() throws Exception {
    List<BanEvent> bans = TestEvents.bans("probing", 1_000);
    LogEntry entry =
        LogEntry.of(new LogEntry.Tail(0, "", 0), "log", "batch", "test", bans).getFirst();

    LogEntry compressed = entry.compressed();

    assertThat(compressed).isEqualTo(entry);
    assertThat(compressed.events()).isEqualTo(entry.events()).hasSize((int) entry.last());
    assertThat(compressed.toConfigMap(new LogNames("guard")).data())
        .isEqualTo(entry.toConfigMap(new LogNames("guard")).data());
  }
}
