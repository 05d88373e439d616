package io.ipsentry.line;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.testing.traffic.DamagedLines;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Sample lines, damaged at random, through every format. */
class MutatedLinesTest {
  private static final long SEED = 20_261_121;
  private static final int ROUNDS = 200_000;
  private static final int LONGEST = 2_000;
  private static final List<String> NAMES =
      LineFormats.names().stream()
          .filter(name -> !name.equals("regex") && !name.equals("fail2ban"))
          .toList();

  @Test
  void parse_damagedLines_neverThrowsAndStaysWithin() {
    List<byte[]> lines = new ArrayList<>();
    NAMES.stream()
        .filter(name -> !name.equals("auto"))
        .flatMap(name -> LineCorpus.read(name).stream())
        .map(LineCorpus.Sample::line)
        .filter(line -> line.length < LONGEST)
        .forEach(lines::add);
    List<LineFormat> formats =
        NAMES.stream().map(name -> LineFormats.named(name, Lines.OPTIONS)).toList();
    RequestFacts facts = new RequestFacts();
    Random random = new Random(SEED);
    int parsed = 0;
    for (int i = 0; i < ROUNDS; i++) {
      byte[] line = DamagedLines.damaged(lines.get(random.nextInt(lines.size())), random);
      LineFormat format = formats.get(random.nextInt(formats.size()));
      try {
        parsed += ParsedLineChecks.parse(format, line, facts) ? 1 : 0;
      } catch (RuntimeException e) {
        throw new AssertionError(
            "%s, seed %d, round %d: %s".formatted(format.name(), SEED, i, LineCorpus.render(facts)),
            e);
      }
    }
    assertThat(parsed).isGreaterThan(ROUNDS / 50);
  }
}
