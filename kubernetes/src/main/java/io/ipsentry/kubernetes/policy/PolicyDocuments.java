package io.ipsentry.kubernetes.policy;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Policies as documents with the keys of {@code authz.policies.NAME} of the configuration. The same
 * policy is the same text. Stateless.
 */
final class PolicyDocuments {
  private static final JsonFactory JSON = new JsonFactory();

  private PolicyDocuments() {}

  /**
   * Writes one as JSON.
   *
   * @param overrides by their paths, such as {@code thresholds.window}
   */
  static String of(Map<String, Object> overrides) {
    SortedMap<String, Object> document = new TreeMap<>();
    overrides.forEach((path, value) -> {
      int dot = path.indexOf('.');
      if (dot < 0) {
        document.put(path, value);
      } else {
        Map<String, Object> inner =
            new TreeMap<>(PolicyObjects.map(document.get(path.substring(0, dot))));
        inner.put(path.substring(dot + 1), value);
        document.put(path.substring(0, dot), inner);
      }
    });
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      write(document, json);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return text.toString();
  }

  private static void write(Object value, JsonGenerator json) throws IOException {
    switch (value) {
      case Map<?, ?> map -> {
        json.writeStartObject();
        for (Map.Entry<?, ?> entry : new TreeMap<>(map).entrySet()) {
          json.writeFieldName(String.valueOf(entry.getKey()));
          write(entry.getValue(), json);
        }
        json.writeEndObject();
      }
      case List<?> items -> {
        json.writeStartArray();
        for (Object item : items) {
          write(item, json);
        }
        json.writeEndArray();
      }
      case Boolean truth -> json.writeBoolean(truth);
      case Number number -> json.writeNumber(number.longValue());
      default -> json.writeString(String.valueOf(value));
    }
  }
}
