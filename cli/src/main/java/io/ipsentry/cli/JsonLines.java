package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.ban.BanEventJson;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Prints one JSON object a line. Confined to one thread. */
final class JsonLines {
  private static final JsonFactory JSON = new JsonFactory();

  private final PrintStream out;

  JsonLines(PrintStream out) {
    this.out = out;
  }

  /** Writes fields of an object. */
  @FunctionalInterface
  interface Fields {
    void write(JsonGenerator json) throws IOException;
  }

  /** Prints an object. */
  void object(Fields fields) {
    StringWriter line = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(line)) {
      json.writeStartObject();
      fields.write(json);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    out.append(line.getBuffer()).append('\n');
  }

  /** Writes a time; null stays null. */
  static void time(JsonGenerator json, String name, @Nullable Instant time) throws IOException {
    if (time == null) {
      json.writeNullField(name);
    } else {
      json.writeStringField(name, BanEventJson.formatTime(time));
    }
  }
}
