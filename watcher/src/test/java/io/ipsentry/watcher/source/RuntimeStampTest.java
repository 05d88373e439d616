package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RuntimeStampTest {
  private final RuntimeStamp stamp = new RuntimeStamp();

  private boolean read(String line) {
    byte[] b = line.getBytes(StandardCharsets.UTF_8);
    return stamp.read(b, 0, b.length);
  }

  @Test
  void read_linesOfAKubelet_areTimed() {
    for (int i = 0; i < 3; i++) {
      assertThat(read("2026-11-21T07:00:00.123456789Z GET /")).isTrue();
      assertThat(stamp.micros())
          .isEqualTo(
              TimeUnit.MILLISECONDS.toMicros(
                      Instant.parse("2026-11-21T07:00:00.123Z").toEpochMilli())
                  + 456);
      assertThat(stamp.end()).isEqualTo("2026-11-21T07:00:00.123456789Z ".length());
      assertThat(read("2026-11-21T09:00:00.5+02:00 x")).isTrue();
      assertThat(stamp.second()).isEqualTo(Instant.parse("2026-11-21T07:00:00Z").getEpochSecond());
      assertThat(stamp.micros() % 1_000_000).isEqualTo(500_000);
      assertThat(read("2026-11-21T07:00:01Z ")).isTrue();
      assertThat(stamp.second()).isEqualTo(Instant.parse("2026-11-21T07:00:01Z").getEpochSecond());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "the rest of a line whose beginning is not there",
        "2026-11-21T07:00:00.123456789Z",
        "2026-13-41T07:00:00Z x",
        "2026-11-21 07:00:00 x",
        "2026-11-21T07:00:00.1234567890123456789012345Z x"
      })
  void read_noStamp_saysSo(String line) {
    assertThat(read(line)).isFalse();
  }
}
