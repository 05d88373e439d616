package io.ipsentry.fail2ban;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TimeExpressionTest {
  @ParameterizedTest
  @CsvSource({
    "600, 600",
    "-1, -1",
    "10m, 600",
    "1h 30m, 5400",
    "1d12h, 129600",
    "1hour+30min, 5400",
    "1year-6mo, 15778800",
    "6 months, 15778800",
    "2w, 1209600",
    "2 * 10m, 1200",
    "1d / 2, 43200",
    "0.5h, 1800"
  })
  void seconds_written_areRead(String text, double seconds) {
    assertThat(TimeExpression.seconds(text)).isEqualTo(seconds);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "1q", "1h..", "1 +", "__import__('os')", "1e9", "(1)"})
  void seconds_anythingElse_isRefused(String text) {
    assertThatThrownBy(() -> TimeExpression.seconds(text)).isInstanceOf(Fail2banException.class);
  }
}
