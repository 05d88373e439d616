package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.line.LineFormats;
import io.ipsentry.rule.Rule;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What is written about the configuration holds for what is read. */
final class ConfigReferenceTest {
  private static final Path DOCS = Path.of("../docs");
  private static final Pattern KEY = Pattern.compile("(?m)^\\| `([A-Za-z0-9]+)` \\|");
  private static final Pattern YAML = Pattern.compile("(?ms)^```yaml\\n(.*?)^```");

  private static String reference() throws IOException {
    return Files.readString(DOCS.resolve("configuration.md"));
  }

  private static List<String> found(Pattern pattern, String text) {
    List<String> found = new ArrayList<>();
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }

  @Test
  void reference_ofEachMapping_hasEveryKeyAndNoOther() throws IOException {
    for (Keys keys : Keys.values()) {
      String heading = keys == Keys.ROOT ? "## The document" : "### `" + keys.path() + "`";

      String section = reference().split("(?m)^" + Pattern.quote(heading) + "$", 2)[1];
      section = section.split("(?m)^##", 2)[0];

      assertThat(found(KEY, section)).as(heading).containsExactlyElementsOf(keys.names());
    }
  }

  @Test
  void reference_examples_areValid() throws IOException {
    List<String> examples = found(YAML, reference());

    assertThat(examples).hasSizeGreaterThan(5);
    for (String example : examples) {
      byte[] yaml = example.getBytes(StandardCharsets.UTF_8);
      if (example.startsWith("name:")) {
        assertThat(new PackReader(new Problems()).read("example", yaml)).isPresent();
      } else {
        ConfigResult result = new ConfigLoader().parse("example", yaml, Path.of("/"));
        assertThat(result).as(example).isInstanceOf(ConfigResult.Valid.class);
        assertThat(result.warnings())
            .as(example)
            .allMatch(warning -> warning.what().startsWith("names no sources"));
      }
    }
  }

  @Test
  void reference_rulesWithoutAny_areTheShippedOnes() throws IOException {
    String rules =
        found(YAML, reference()).stream()
            .filter(yaml -> yaml.startsWith("rules:"))
            .findFirst()
            .orElseThrow();

    Config config =
        new ConfigLoader()
            .parse("rules", rules.getBytes(StandardCharsets.UTF_8), Path.of("/"))
            .orThrow();

    assertThat(config.rules()).isEqualTo(Config.defaults().rules());
  }

  @Test
  void reference_namesEveryFormatAndPack() throws IOException {
    assertThat(LineFormats.names()).containsAll(FormatFacts.formats()).contains("fail2ban");
    assertThat(FormatFacts.formats()).hasSize(LineFormats.names().size() - 1);
    for (String format : LineFormats.names()) {
      assertThat(reference()).contains("`" + format + "`");
    }
  }

  @Test
  void exampleOfGateways_isValidWithoutWarnings() {
    ConfigResult result = new ConfigLoader().load(DOCS.resolve("examples/l7.yaml"));

    Config config = result.orThrow();
    assertThat(result.warnings()).isEmpty();
    assertThat(config.authz().orElseThrow().policies()).containsOnlyKeys("shop");
    assertThat(config.rules()).anyMatch(rule -> rule.on() == Rule.On.REQUEST);
  }

  @Test
  void exampleOfGatewaysHere_isValidWithoutWarnings() {
    ConfigResult result = new ConfigLoader().load(DOCS.resolve("examples/here-gateway.yaml"));

    assertThat(result.orThrow().authz().orElseThrow().callers()).isNotEmpty();
    assertThat(result.warnings()).isEmpty();
  }

  @Test
  void example_isValidWithoutWarnings() {
    ConfigResult result = new ConfigLoader().load(DOCS.resolve("examples/ip-sentry.yaml"));

    assertThat(result.orThrow().rules().getFirst()).isEqualTo(Config.defaults().rules().getFirst());
    assertThat(result.orThrow().rules().get(3).mode()).isEqualTo(Rule.Mode.SHADOW);
    assertThat(result.warnings()).isEmpty();
  }
}
