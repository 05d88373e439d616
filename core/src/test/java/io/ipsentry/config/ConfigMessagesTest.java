package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.ConfigResult.Invalid;
import io.ipsentry.config.ConfigResult.Valid;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Configurations with the report that each must lead to: {@code === title}, the YAML, {@code --->},
 * the report.
 */
final class ConfigMessagesTest {
  private static final Path DIRECTORY = Path.of("/etc/ip-sentry");

  /** One configuration with its report. */
  record Case(String title, String yaml, String report) {
    @Override
    public String toString() {
      return title;
    }
  }

  private static List<Case> cases(String resource) throws IOException {
    String text;
    try (InputStream in =
        Objects.requireNonNull(ConfigMessagesTest.class.getResourceAsStream(resource))) {
      text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    List<Case> cases = new ArrayList<>();
    for (String block : text.split("(?m)^=== ")) {
      if (!block.isEmpty()) {
        int title = block.indexOf('\n');
        int arrow = block.indexOf("--->\n");
        cases.add(
            new Case(
                block.substring(0, title),
                block.substring(title + 1, arrow),
                block.substring(arrow + "--->\n".length())));
      }
    }
    return cases;
  }

  static List<Case> bad() throws IOException {
    return cases("bad-configs.txt");
  }

  static List<Case> doubtful() throws IOException {
    return cases("doubtful-configs.txt");
  }

  private static ConfigResult parse(String yaml) {
    return new ConfigLoader().parse("c.yaml", yaml.getBytes(StandardCharsets.UTF_8), DIRECTORY);
  }

  @ParameterizedTest
  @MethodSource("bad")
  void parse_badConfiguration_reportsEveryMistake(Case each) {
    ConfigResult result = parse(each.yaml());

    assertThat(ConfigReport.text("c.yaml", result)).isEqualTo(each.report());
    assertThat(result).isInstanceOf(Invalid.class);
  }

  @ParameterizedTest
  @MethodSource("doubtful")
  void parse_doubtfulConfiguration_isValidWithWarnings(Case each) {
    ConfigResult result = parse(each.yaml());

    assertThat(ConfigReport.text("c.yaml", result)).isEqualTo(each.report());
    assertThat(result).isInstanceOf(Valid.class);
  }
}
