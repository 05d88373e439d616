package io.ipsentry.conformance.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written about the chart is what it does. */
final class ChartDocumentationTest {
  private static final Pattern METRIC = Pattern.compile("\\b(?:ip_sentry|process)_[a-z_]+\\b");
  private static final Pattern ROW = Pattern.compile("(?m)^\\| `([^`]+)` \\| (.*?) \\| o? ?\\|");
  private static final YAMLMapper YAML = new YAMLMapper();

  private static String chart(String file) throws IOException {
    return Files.readString(HelmChart.FOLDER.resolve(file));
  }

  @Test
  void version_isThatOfTheProject() throws Exception {
    Matcher project =
        Pattern.compile("<artifactId>ip-sentry</artifactId>\\s*<version>([^<]+?)(?:-SNAPSHOT)?<")
            .matcher(Files.readString(Path.of("../pom.xml")));
    assertThat(project.find()).isTrue();
    JsonNode chart = YAML.readTree(chart("Chart.yaml"));
    assertThat(chart.get("appVersion").asText()).isEqualTo(project.group(1));
    assertThat(chart.get("version").asText()).isEqualTo(project.group(1));
  }

  /** Alerts and panels would stay silent for a name that nothing shows. */
  @ParameterizedTest
  @ValueSource(strings = {"files/alerts.yaml", "files/dashboard.json"})
  void metrics_thatAreAskedFor_areDocumented(String file) throws Exception {
    Set<String> documented = names(Files.readString(Path.of("../docs/metrics.md")));
    Set<String> asked = new TreeSet<>();
    for (String name : names(chart(file))) {
      String of = name.replaceFirst("_(?:bucket|sum|count)$", "");
      asked.add(documented.contains(of) ? of : name);
    }
    assertThat(asked).hasSizeGreaterThan(15).isSubsetOf(documented);
  }

  private static Set<String> names(String text) {
    Set<String> names = new TreeSet<>();
    Matcher metric = METRIC.matcher(text);
    while (metric.find()) {
      names.add(metric.group());
    }
    return names;
  }

  /** What the issue names must warn somebody. */
  @Test
  void alerts_coverWhatGoesWrong() throws Exception {
    Set<String> names = new TreeSet<>();
    for (JsonNode alert : YAML.readTree(chart("files/alerts.yaml"))) {
      assertThat(alert.get("annotations").get("summary").asText()).isNotBlank();
      assertThat(alert.get("labels").get("severity").asText()).isIn("critical", "warning", "info");
      assertThat(names.add(alert.get("alert").asText())).as("%s", alert).isTrue();
    }
    assertThat(names)
        .contains(
            "IpSentryNoLeader",
            "IpSentrySourceLag",
            "IpSentryEnforcerLag",
            "IpSentryEnforcedBelowDecided",
            "IpSentryLeak",
            "IpSentryStateStale",
            "IpSentryLogFull",
            "IpSentryDutyFails",
            "IpSentrySinkFails");
  }

  /** Each value stands in a row of the README, itself or as a part of one, with its default. */
  @Test
  void values_ofTheReadme_areThoseOfTheChart() throws Exception {
    JsonNode values = YAML.readTree(chart("values.yaml"));
    Map<String, String> rows = rows(chart("README.md"));
    Set<String> undocumented = new TreeSet<>();
    leaves("", values)
        .forEach((path, value) -> {
          if (rows.keySet().stream()
              .noneMatch(row -> path.equals(row) || path.startsWith(row + "."))) {
            undocumented.add(path);
          }
        });
    assertThat(undocumented).isEmpty();
    rows.forEach((path, told) -> {
      JsonNode value = values.at("/" + path.replace('.', '/'));
      assertThat(value.isMissingNode()).as("there is no value " + path).isFalse();
      if (value.isValueNode()) {
        assertThat(told).as(path).isEqualTo(value.asText().isEmpty() ? "\"\"" : value.asText());
      } else if (value.isEmpty()) {
        assertThat(told).as(path).isEqualTo(value.isArray() ? "[]" : "{}");
      }
    });
  }

  private static Map<String, String> rows(String readme) {
    Map<String, String> rows = new LinkedHashMap<>();
    Matcher row = ROW.matcher(readme.substring(readme.indexOf("## Values")));
    while (row.find()) {
      String told = row.group(2).strip();
      Matcher code = Pattern.compile("^`(.*)`$").matcher(told);
      assertThat(rows.put(row.group(1), code.matches() ? code.group(1) : told))
          .as(row.group(1) + " has two rows")
          .isNull();
    }
    assertThat(rows).hasSizeGreaterThan(60);
    return rows;
  }

  private static Map<String, JsonNode> leaves(String path, JsonNode node) {
    Map<String, JsonNode> leaves = new TreeMap<>();
    if (node.isObject() && !node.isEmpty()) {
      node.properties()
          .forEach(field ->
              leaves.putAll(
                  leaves(
                      path.isEmpty() ? field.getKey() : path + "." + field.getKey(),
                      field.getValue())));
    } else {
      leaves.put(path, node);
    }
    return leaves;
  }

  /** A key of the configuration that the schema does not know could not be written. */
  @Test
  void config_ofTheSchema_hasTheKeysOfTheReference() throws Exception {
    String reference = Files.readString(Path.of("../docs/configuration.md"));
    String table =
        reference.substring(reference.indexOf("## The document"), reference.indexOf("## Sources"));
    Set<String> keys = new TreeSet<>();
    Matcher row = Pattern.compile("(?m)^\\| `(\\w+)` \\|").matcher(table);
    while (row.find()) {
      keys.add(row.group(1));
    }
    Set<String> known = new TreeSet<>();
    YAML.readTree(chart("values.schema.json"))
        .at("/properties/config/properties")
        .fieldNames()
        .forEachRemaining(known::add);
    assertThat(known).isEqualTo(keys);
  }
}
