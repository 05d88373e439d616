package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class DurationsTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "90, 90",
    "90s, 90",
    "2m, 120",
    "24h, 86400",
    "7d, 604800",
    "2w, 1209600",
    "1h30m, 5400",
    "1m1m, 120",
    "36500d, 3153600000",
    "3153600000, 3153600000"
  })
  void parse_duration_isItsSeconds(String text, long seconds) {
    assertThat(Durations.parse(text)).contains(Duration.ofSeconds(seconds));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "s",
        "-1",
        "1.5h",
        "1 h",
        "1H",
        "1y",
        "1mo",
        "1ms",
        "36501d",
        "99999999999",
        "9999999999w9999999999w",
        "permanent",
        "1h30",
        "h1",
        "१२"
      })
  void parse_noDuration_isEmpty(String text) {
    assertThat(Durations.parse(text)).isEmpty();
  }

  @Test
  void parse_whatFormatWrote_isTheSame() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int i = 0; i < 1_000; i++) {
      Duration duration =
          Duration.ofSeconds(random.nextLong(Durations.MAX.toSeconds() >> random.nextInt(30)));
      assertThat(Durations.parse(Durations.format(duration)))
          .as("seed %d", seed)
          .contains(duration);
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "5B, 5", "1KiB, 1024", "64 MiB, 67108864", "2GiB, 2147483648"})
  void parseBytes_size_isItsBytes(String text, long bytes) {
    assertThat(Durations.parseBytes(text)).contains(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1MB", "1M", "-1", "1.5GiB", "999999999999GiB", "MiB", "1  MiB"})
  void parseBytes_noSize_isEmpty(String text) {
    assertThat(Durations.parseBytes(text)).isEmpty();
  }
}
