package io.ipsentry.bench.compare;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A line of a file of raw results, as one JSON object:
 *
 * <pre>{@code
 * {"metric":"restore","subject":"fail2ban","round":1,"value":8.1}
 * {"metric":"lines-nginx","subject":"CrowdSec","absent":"no program crowdsec"}
 * {"fact":"load before","value":"0.52"}
 * }</pre>
 */
sealed interface Raw {

  /**
   * One measurement.
   *
   * @param metric {@link Metric#id}
   * @param round from 1 on; subjects of the same round were measured one after the other
   * @param value in the metric's unit
   */
  record Measured(String metric, String subject, int round, double value) implements Raw {}

  /** That there is no number, and why. */
  record Absent(String metric, String subject, String reason) implements Raw {}

  /** Something about the machine or the run. */
  record Fact(String name, String value) implements Raw {}

  JsonFactory JSON = new JsonFactory();

  /** Writes a file in one step, so that there is none of a part that failed. */
  static void write(Path file, List<Raw> lines) throws IOException {
    StringBuilder text = new StringBuilder();
    for (Raw line : lines) {
      text.append(json(line)).append('\n');
    }
    Path whole = Files.writeString(file.resolveSibling(file.getFileName() + ".new"), text);
    Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Reads a file that {@link #write} made. */
  static List<Raw> read(Path file) throws IOException {
    return Files.readAllLines(file).stream().map(Raw::parse).toList();
  }

  private static String json(Raw line) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      switch (line) {
        case Measured(String metric, String subject, int round, double value) -> {
          json.writeStringField("metric", metric);
          json.writeStringField("subject", subject);
          json.writeNumberField("round", round);
          json.writeNumberField("value", value);
        }
        case Absent(String metric, String subject, String reason) -> {
          json.writeStringField("metric", metric);
          json.writeStringField("subject", subject);
          json.writeStringField("absent", reason);
        }
        case Fact(String name, String value) -> {
          json.writeStringField("fact", name);
          json.writeStringField("value", value);
        }
      }
      json.writeEndObject();
    }
    return text.toString();
  }

  private static Raw parse(String line) {
    Map<String, String> fields = new HashMap<>();
    try (JsonParser json = JSON.createParser(line)) {
      json.nextToken();
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        json.nextToken();
        fields.put(name, json.getText());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("no raw result: " + line, e);
    }
    if (fields.containsKey("fact")) {
      return new Fact(field(fields, "fact"), field(fields, "value"));
    }
    String metric = field(fields, "metric");
    String subject = field(fields, "subject");
    if (fields.containsKey("absent")) {
      return new Absent(metric, subject, field(fields, "absent"));
    }
    return new Measured(
        metric,
        subject,
        Integer.parseInt(field(fields, "round")),
        Double.parseDouble(field(fields, "value")));
  }

  private static String field(Map<String, String> fields, String name) {
    String value = fields.get(name);
    if (value == null) {
      throw new IllegalArgumentException("a raw result without " + name + ": " + fields);
    }
    return value;
  }
}
