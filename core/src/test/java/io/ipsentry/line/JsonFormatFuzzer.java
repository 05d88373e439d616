package io.ipsentry.line;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The scanner against Jackson: what Jackson reads as an object, the scanner reads alike. */
final class JsonFormatFuzzer {
  private static final JsonFactory JACKSON = new JsonFactory();

  /** Takes every object. */
  private static final class Probe extends JsonFormat {
    private static final JsonKeys KEYS =
        JsonKeys.builder()
            .add(JsonField.CLIENT, "c")
            .add(JsonField.PEER, "peer")
            .add(JsonField.TARGET, "RequestPath")
            .add(JsonField.HOST, "x-envoy-original-path")
            .build();

    Probe() {
      super("probe", KEYS, TimestampFormat.NONE);
    }

    @Override
    boolean matches(RequestFacts facts) {
      return true;
    }
  }

  @FuzzTest(maxDuration = "2m")
  void parse_anyObject_agreesWithJackson(byte[] input) {
    String text = text(input);
    Map<String, String> expected = text == null ? null : jackson(text);
    RequestFacts facts = new RequestFacts();
    Probe probe = new Probe();
    boolean parsed = ParsedLineChecks.parse(probe, input, facts);
    if (expected != null) {
      assertThat(parsed).as(text).isTrue();
      assertThat(values(facts)).as(text).isEqualTo(expected);
      // The second time the order of members is known; that must not change anything.
      assertThat(ParsedLineChecks.parse(probe, input, facts)).as(text).isTrue();
      assertThat(values(facts)).as(text).isEqualTo(expected);
    }
  }

  private static Map<String, String> values(RequestFacts facts) {
    Map<String, String> values = new HashMap<>();
    put(values, "c", facts.client());
    put(values, "peer", facts.peer());
    put(values, "requestpath", facts.target());
    put(values, "x-envoy-original-path", facts.host());
    return values;
  }

  private static void put(Map<String, String> values, String name, Slice slice) {
    if (slice.isPresent()) {
      values.put(name, slice.toString());
    }
  }

  private static @Nullable String text(byte[] input) {
    if (input.length >= LineFormat.MAX_BYTES || input.length > 0 && input[0] == (byte) 0xef) {
      return null;
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(input)).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  /** First values of the wanted members, or null when it is not one object to Jackson. */
  private static @Nullable Map<String, String> jackson(String text) {
    Map<String, String> values = new HashMap<>();
    try (JsonParser parser = JACKSON.createParser(text.toCharArray())) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return null;
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        int at = (int) parser.currentTokenLocation().getCharOffset();
        boolean plain = text.startsWith("\"" + name + "\"", at);
        JsonToken token = parser.nextToken();
        String value = value(parser, token);
        String key = folded(name);
        boolean known =
            key.equals("c")
                || key.equals("peer")
                || key.equals("requestpath")
                || key.equals("x-envoy-original-path");
        if (plain && known && value != null && !value.isEmpty() && !value.equals("-")) {
          values.putIfAbsent(key, value);
        }
      }
      return parser.nextToken() == null ? values : null;
    } catch (IOException e) {
      return null;
    }
  }

  private static @Nullable String value(JsonParser parser, JsonToken token) throws IOException {
    if (token == JsonToken.START_ARRAY) {
      JsonToken first = parser.nextToken();
      String value = first == JsonToken.VALUE_STRING ? wellFormed(parser.getText()) : null;
      if (first != JsonToken.END_ARRAY) {
        int depth = first.isStructStart() ? 2 : 1;
        while (depth > 0) {
          JsonToken next = parser.nextToken();
          depth += next.isStructStart() ? 1 : next.isStructEnd() ? -1 : 0;
        }
      }
      return value;
    }
    if (token == JsonToken.START_OBJECT) {
      parser.skipChildren();
      return null;
    }
    return token == JsonToken.VALUE_NULL ? null : wellFormed(parser.getText());
  }

  /** The letter folding of {@link JsonKeys}: bit 0x20 of every byte. */
  private static String folded(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] |= 0x20;
    }
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static String wellFormed(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .map(c -> c >= 0xd800 && c <= 0xdfff ? 0xfffd : c)
        .forEach(out::appendCodePoint);
    return out.toString();
  }
}
