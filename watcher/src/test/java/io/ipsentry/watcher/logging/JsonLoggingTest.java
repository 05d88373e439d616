package io.ipsentry.watcher.logging;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** In processes of their own: logging is set up once a process. */
final class JsonLoggingTest {
  @Test
  void start_json_writesOneObjectALine() throws IOException {
    List<String> lines = run("json");

    assertThat(lines).hasSize(3);
    Map<String, String> info = fields(lines.get(0));
    assertThat(info)
        .containsEntry("level", "info")
        .containsEntry("logger", "io.ipsentry.Sample")
        .containsEntry("thread", "main")
        .containsEntry("message", "source opened")
        .containsEntry("lines", "12")
        .containsEntry("follow", "true");
    assertThat(Instant.parse(info.getOrDefault("time", ""))).isAfter(Instant.EPOCH);
    Map<String, String> warning = fields(lines.get(1));
    assertThat(warning)
        .containsEntry("level", "warn")
        .containsEntry("level_", "3")
        .containsEntry("none", "null")
        .containsEntry("file", "a \"b\"\n\u0001?c");
    assertThat(warning.get("error"))
        .startsWith("java.lang.IllegalStateException: disk full")
        .contains("LoggingProgram.main");
    assertThat(fields(lines.get(2)).get("long")).hasSize(JsonLineEncoder.MAX_TEXT_CHARS + 1);
  }

  @Test
  void begin_plain_writesWarningsAsText() {
    List<String> lines = run("plain");

    assertThat(lines.getFirst()).startsWith("WARN  cannot append").contains("file=");
    assertThat(lines).noneMatch(line -> line.contains("source opened"));
    assertThat(lines).noneMatch(line -> line.contains("logback"));
  }

  private static List<String> run(String mode) {
    String output =
        Programs.run(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            LoggingProgram.class.getName(),
            mode);
    return output.lines().toList();
  }

  private static Map<String, String> fields(String line) throws IOException {
    Map<String, String> fields = new LinkedHashMap<>();
    try (JsonParser parser = new JsonFactory().createParser(line)) {
      assertThat(parser.nextToken()).isEqualTo(JsonToken.START_OBJECT);
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        parser.nextToken();
        fields.put(name, parser.getText());
      }
      assertThat(parser.nextToken()).isNull();
    }
    return fields;
  }
}
