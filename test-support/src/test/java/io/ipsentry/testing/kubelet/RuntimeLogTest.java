package io.ipsentry.testing.kubelet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class RuntimeLogTest {
  private static final Instant STAMP = Instant.parse("2026-11-21T07:00:00Z");

  /** Reads what is there, as a kubelet does for somebody who does not follow. */
  private static String read(RuntimeLog log) throws InterruptedException {
    LogAnswer answer = log.answer(false, false, Instant.MIN, () -> false).orElseThrow();
    answer.withoutStamps();
    String text = new String(answer.next(), StandardCharsets.UTF_8);
    answer.given();
    return text;
  }

  @Test
  void served_linesThatWereGiven_areRemembered() throws Exception {
    RuntimeLog log = RuntimeLog.named("a");
    log.write(STAMP, "one");
    log.write(STAMP, "two");

    assertThat(read(log)).isEqualTo("one\ntwo\n");
    assertThat(read(log)).as("again").isEqualTo("one\ntwo\n");
    log.write(STAMP, "three");

    assertThat(log.served()).isEqualTo(Map.of("one", 1, "two", 1));
    assertThat(log.hasGap()).isFalse();
  }

  @Test
  void forgetful_linesThatWereGiven_areNotKept() throws Exception {
    RuntimeLog log = RuntimeLog.named("a").forgetful();
    log.write(STAMP, "one");

    assertThat(read(log)).isEqualTo("one\n");
    assertThat(log.written()).isOne();
    assertThatThrownBy(log::served).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(log::hasGap).isInstanceOf(IllegalStateException.class);
  }
}
