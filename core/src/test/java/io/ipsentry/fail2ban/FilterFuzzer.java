package io.ipsentry.fail2ban;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ipsentry.line.Failure;
import io.ipsentry.line.LocalZone;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.net.PrefixSet;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Any filter is refused or can be used, and a filter that can be used takes any lines. */
final class FilterFuzzer {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");

  /** The parts of the input, a line each: failregex, prefregex, datepattern, lines. */
  @FuzzTest(maxDuration = "2m")
  void parse_anyFilterAndLines_endsInVerdicts(byte[] bytes) {
    String[] parts = new String(bytes, StandardCharsets.UTF_8).split("\n", -1);
    if (parts.length < 4) {
      return;
    }
    FilterFormat format;
    try {
      Filter filter =
          new Filter(
              List.of(parts[0]),
              List.of(),
              Optional.of(parts[1]).filter(text -> !text.isEmpty()),
              1 + parts[0].length() % 4,
              parts[2].isEmpty() ? List.of() : List.of(parts[2]),
              true,
              PrefixSet.empty());
      format =
          new FilterFormat(
              CompiledFilter.compile(filter),
              new LocalZone(ZoneId.of("Europe/Berlin"), InstantSource.fixed(NOW)));
    } catch (Fail2banException e) {
      assertThat(e.getMessage()).isNotEmpty();
      return;
    }
    RequestFacts facts = new RequestFacts();
    for (String line : Arrays.copyOfRange(parts, 3, parts.length)) {
      byte[] text = line.getBytes(StandardCharsets.UTF_8);
      if (format.parse(text, 0, text.length, facts)) {
        Failure failure = facts.failure();
        assertThat(failure).isNotNull();
        long time = facts.eventTimeMillis(Long.MAX_VALUE);
        assertThat(time == RequestFacts.NO_TIME || time >= 0).isTrue();
      }
    }
  }
}
