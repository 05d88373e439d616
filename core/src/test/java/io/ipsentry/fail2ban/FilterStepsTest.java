package io.ipsentry.fail2ban;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.line.LineFormat;
import io.ipsentry.line.LocalZone;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.pattern.PatternMatcher;
import io.ipsentry.testing.RequiresProgram;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Steps are counted, not time: lines that keep a backtracking engine busy for ever cost a bounded
 * number of them (GHSA-33wh-ccjc-p397).
 */
final class FilterStepsTest {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");

  private static FilterFormat format(Filter filter) {
    return new FilterFormat(
        CompiledFilter.compile(filter), new LocalZone(ZoneOffset.UTC, InstantSource.fixed(NOW)));
  }

  private static FilterFormat format(String failregex) {
    return format(
        new Filter(
            List.of(failregex),
            List.of(),
            Optional.empty(),
            1,
            List.of("{^LN-BEG}"),
            true,
            PrefixSet.empty()));
  }

  private static long steps(FilterFormat format, String line) {
    byte[] text = line.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(text.length, LineFormat.MAX_BYTES);
    long before = format.steps();
    format.parse(text, 0, length, new RequestFacts());
    return format.steps() - before;
  }

  /** The shape of dovecot's: a group of alternatives that may take the same text in many ways. */
  @Test
  void nestedRepetitions_longLine_linearSteps() {
    FilterFormat format =
        format(
            "^(?:Aborted|Disconnected)(?:: (?:\\w+\\([^\\):]*\\) \\w+|[^\\(]+))* \\(auth failed\\):"
                + " rip=<HOST>$");
    String begin = "Nov 21 07:00:00 Aborted";
    long shorter = steps(format, begin + ": a".repeat(1_000));
    long longer = steps(format, begin + ": a".repeat(4_000));

    assertThat(longer).isLessThan(8 * shorter + 10_000);
    assertThat(longer).isLessThan(20L * (4_000 * 3 + 100));
  }

  /** The shape of domino-smtp's. */
  @Test
  void repeatedWords_longLine_linearSteps() {
    FilterFormat format =
        format("^\\s*smtp: (?:[^\\[ ]+ )*(?:[^\\[]+ )*\\[?<HOST>\\]? authentication failure$");

    assertThat(steps(format, "Nov 21 07:00:00 smtp: " + "a ".repeat(8_000)))
        .isLessThan(30L * LineFormat.MAX_BYTES);
  }

  static List<String> filters() {
    return MemoryTree.installedFilters();
  }

  @ParameterizedTest
  @MethodSource("filters")
  @RequiresProgram("fail2ban-regex")
  void shippedFilter_hostileLines_boundedSteps(String name) {
    Filter filter = JailTree.filter(MemoryTree.INSTALLED, MemoryTree.disk(), name);
    CompiledFilter compiled = CompiledFilter.compile(filter);
    FilterFormat format = format(filter);
    long bound = PatternMatcher.STEP_BUDGET * (compiled.bounded().size() + 40L);
    for (List<Samples.Sample> group : Samples.all().getOrDefault(name, List.of())) {
      for (Samples.Sample sample : group) {
        String line = sample.line();
        for (String stretched :
            List.of(
                line + " a".repeat(4_000),
                line.replace(" ", "  ".repeat(40)),
                line.repeat(20),
                line.substring(0, line.length() / 2) + "(: ".repeat(3_000))) {
          assertThat(steps(format, stretched)).isLessThan(bound);
        }
      }
    }
  }
}
