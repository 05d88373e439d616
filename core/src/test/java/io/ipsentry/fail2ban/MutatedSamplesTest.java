package io.ipsentry.fail2ban;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.fail2ban.Samples.Sample;
import io.ipsentry.line.Failure;
import io.ipsentry.line.LocalZone;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.net.Address;
import io.ipsentry.net.AddressParser;
import io.ipsentry.testing.RequiresProgram;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Samples with bytes changed, cut and doubled at random: a filter never fails, a failure names
 * somebody by what stands in the line, and lines before do not change the verdict where a filter
 * looks at each line by itself.
 */
@RequiresProgram("fail2ban-regex")
final class MutatedSamplesTest {
  private static final long SEED = 20_261_127;
  private static final int ROUNDS = 40;
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");

  static List<String> filters() {
    return List.copyOf(Samples.all().keySet());
  }

  private static FilterFormat format(CompiledFilter filter) {
    return new FilterFormat(filter, new LocalZone(ZoneOffset.UTC, InstantSource.fixed(NOW)));
  }

  @ParameterizedTest
  @MethodSource("filters")
  void mutatedLines_anyFilter_verdictsHold(String reference) {
    Filter filter = JailTree.filter(MemoryTree.INSTALLED, MemoryTree.disk(), reference);
    CompiledFilter compiled = CompiledFilter.compile(filter);
    boolean eachByItself =
        filter.maxlines() == 1 && !filter.prefregex().orElse("").contains("F-MLFID");
    Random random = new Random(SEED ^ reference.hashCode());
    FilterFormat running = format(compiled);
    for (List<Sample> group : Samples.all().getOrDefault(reference, List.of())) {
      for (Sample sample : group) {
        for (int round = 0; round < ROUNDS; round++) {
          byte[] line = mutated(sample.line(), random);
          String verdict = verdict(running, line);
          if (eachByItself && round % 8 == 0) {
            assertThat(verdict(format(compiled), line))
                .as("%s, seed %d: %s", reference, SEED, new String(line, StandardCharsets.UTF_8))
                .isEqualTo(verdict);
          }
        }
      }
    }
  }

  /** What comes of a line, checked for sense. */
  private static String verdict(FilterFormat format, byte[] line) {
    RequestFacts facts = new RequestFacts();
    if (!format.parse(line, 0, line.length, facts)) {
      return Samples.MISSED;
    }
    Failure failure = facts.failure();
    assertThat(failure).isNotNull();
    if (failure == null || failure.isIgnored()) {
      return Samples.IGNORED;
    }
    assertThat(facts.client().isPresent()).isTrue();
    long time = facts.eventTimeMillis(Long.MAX_VALUE);
    assertThat(time == RequestFacts.NO_TIME || time >= 0).isTrue();
    String client = facts.client().toString();
    Map<String, String> values = failure.values();
    assertThat(values.values()).contains(client);
    byte[] bytes = client.getBytes(StandardCharsets.UTF_8);
    boolean isAddress = AddressParser.parse(bytes, 0, bytes.length, new Address());
    return (isAddress ? "" : "no address: ") + client;
  }

  private static byte[] mutated(String text, Random random) {
    byte[] line = text.getBytes(StandardCharsets.UTF_8);
    int changes = random.nextInt(4);
    for (int i = 0; i < changes && line.length > 1; i++) {
      int at = random.nextInt(line.length);
      switch (random.nextInt(4)) {
        case 0 -> line[at] = (byte) random.nextInt(256);
        case 1 -> line = Arrays.copyOf(line, at + 1);
        case 2 -> {
          byte[] doubled = Arrays.copyOf(line, line.length + line.length - at);
          System.arraycopy(line, at, doubled, line.length, line.length - at);
          line = doubled;
        }
        default -> {
          byte[] shorter = Arrays.copyOf(line, line.length - 1);
          System.arraycopy(line, at + 1, shorter, at, line.length - at - 1);
          line = shorter;
        }
      }
    }
    return line;
  }
}
