package io.ipsentry.ban;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Escalation;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BanLengthTest {
  private static final Duration HOUR = Duration.ofHours(1);

  private static Escalation escalation(
      double factor, List<Double> multipliers, @Nullable Duration max, Duration jitter) {
    return new Escalation(factor, multipliers, max, jitter, Escalation.DEFAULT_FORGET);
  }

  @Test
  void of_noEscalation_isAlwaysTheFirstLength() {
    assertThat(BanLength.of(new BanTerms(HOUR, null), 7, 0.9)).isEqualTo(HOUR);
    assertThat(BanLength.of(new BanTerms(null, null), 7, 0.9)).isNull();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "2,5", "3,30", "4,60", "5,60", "400,60"})
  void of_multipliers_theLastGoesOnForEver(int offence, int hours) {
    BanTerms terms =
        new BanTerms(HOUR, escalation(1, List.of(1.0, 5.0, 30.0, 60.0), null, Duration.ZERO));

    assertThat(BanLength.of(terms, offence, 0)).isEqualTo(Duration.ofHours(hours));
  }

  @ParameterizedTest
  @CsvSource({"1,1", "2,2", "3,4", "21,1048576", "99,1048576"})
  void of_factorOnly_doublesUpToTwentyTimes(int offence, long hours) {
    BanTerms terms = new BanTerms(HOUR, escalation(1, List.of(), null, Duration.ZERO));

    assertThat(BanLength.of(terms, offence, 0)).isEqualTo(Duration.ofHours(hours));
  }

  @Test
  void of_max_isAppliedAfterTheJitter() {
    BanTerms terms = new BanTerms(HOUR, escalation(1, List.of(2.0), Duration.ofMinutes(125), HOUR));

    assertThat(BanLength.of(terms, 1, 0.05)).isEqualTo(Duration.ofMinutes(123));
    assertThat(BanLength.of(terms, 1, 0.99)).isEqualTo(Duration.ofMinutes(125));
  }

  @Test
  void of_lengthThatNoCalendarHolds_isForEver() {
    BanTerms terms = new BanTerms(HOUR, escalation(1e300, List.of(), null, Duration.ZERO));

    assertThat(BanLength.of(terms, 20, 0)).isNull();
  }
}
