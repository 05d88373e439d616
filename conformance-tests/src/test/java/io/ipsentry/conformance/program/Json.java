package io.ipsentry.conformance.program;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON Lines as flat maps; values are texts, nested ones are left out. */
public final class Json {
  private static final JsonFactory FACTORY = new JsonFactory();

  private Json() {}

  /** One map a line. */
  public static List<Map<String, String>> lines(String text) {
    return text.lines().map(Json::object).toList();
  }

  /** The members of one object, in order; {@code null} is the text {@code null}. */
  public static Map<String, String> object(String line) {
    Map<String, String> members = new LinkedHashMap<>();
    try (JsonParser parser = FACTORY.createParser(line)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IllegalArgumentException("not a JSON object: " + line);
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        if (parser.nextToken().isStructStart()) {
          parser.skipChildren();
        } else {
          members.put(name, parser.getText());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("not JSON: " + line, e);
    }
    return members;
  }
}
