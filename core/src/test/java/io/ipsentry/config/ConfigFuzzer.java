package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.file.Path;

/** Any bytes end in a result with errors of one line each, never in an exception. */
final class ConfigFuzzer {
  /** There is nothing to read here, so that list files and packs fail to open. */
  private static final Path NOWHERE = Path.of("/nonexistent");

  @FuzzTest(maxDuration = "2m")
  void parse_anyBytes_endsInAResult(byte[] yaml) {
    ConfigResult result = new ConfigLoader().parse("c.yaml", yaml, NOWHERE);

    switch (result) {
      case ConfigResult.Valid valid -> {
        assertThat(valid.config().rules()).hasSizeLessThanOrEqualTo(RuleReader.MAX_RULES);
        assertThat(valid.config().protectedPrefixes()).isNotNull();
      }
      case ConfigResult.Invalid invalid -> {
        assertThat(invalid.errors()).isNotEmpty();
        invalid.errors().forEach(ConfigFuzzer::assertOneLine);
      }
    }
    result.warnings().forEach(ConfigFuzzer::assertOneLine);
    assertThat(ConfigReport.jsonLines("c.yaml", result)).endsWith("}\n");
  }

  private static void assertOneLine(ConfigProblem problem) {
    assertThat(problem.toString()).doesNotContain("\n", "\r").hasSizeLessThan(8_192);
    assertThat(problem.what()).isNotEmpty();
    assertThat(problem.mend()).isNotEmpty();
  }
}
