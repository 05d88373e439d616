package io.ipsentry.feed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * The answer of AbuseIPDB's blacklist: {@code {"meta":{…},"data":[{"ipAddress":"192.0.2.1",
 * "abuseConfidenceScore":100,…},…]}}. An answer with {@code errors} is refused with what it says.
 * Stateless.
 */
final class AbuseIpdbBlacklist {
  private static final int MAX_DETAIL = 200;

  private AbuseIpdbBlacklist() {}

  static void read(
      InputStream in,
      JsonFactory json,
      int minimumConfidence,
      FeedEntries entries,
      EntryLimit limit)
      throws IOException {
    boolean hasData = false;
    try (JsonParser parser = json.createParser(in)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new RefusedListException("it is no answer of AbuseIPDB");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        JsonToken token = parser.nextToken();
        if (name.equals("data") && token == JsonToken.START_ARRAY) {
          hasData = true;
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            limit.check(entries.size());
            entry(parser, minimumConfidence, entries);
          }
        } else if (name.equals("errors")) {
          throw new RefusedListException("AbuseIPDB answered with an error: " + detail(parser));
        } else {
          parser.skipChildren();
        }
      }
    }
    if (!hasData) {
      throw new RefusedListException("it has no data, as the blacklist of AbuseIPDB has");
    }
  }

  private static void entry(JsonParser parser, int minimumConfidence, FeedEntries entries)
      throws IOException {
    long line = parser.currentTokenLocation().getLineNr();
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      parser.skipChildren();
      entries.bad(line, "is no object");
      return;
    }
    @Nullable String ip = null;
    int confidence = 100;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      JsonToken token = parser.nextToken();
      if (name.equals("ipAddress") && token == JsonToken.VALUE_STRING) {
        ip = parser.getText();
      } else if (name.equals("abuseConfidenceScore") && token == JsonToken.VALUE_NUMBER_INT) {
        confidence = parser.getValueAsInt();
      } else {
        parser.skipChildren();
      }
    }
    if (ip == null) {
      entries.bad(line, "has no ipAddress");
    } else if (confidence < minimumConfidence) {
      entries.skip();
    } else {
      entries.take(ip, null, line);
    }
  }

  private static String detail(JsonParser parser) throws IOException {
    int depth = 0;
    do {
      JsonToken token = parser.currentToken();
      if (token == JsonToken.FIELD_NAME && parser.currentName().equals("detail")) {
        String text = parser.nextTextValue();
        return text == null
            ? "without detail"
            : text.substring(0, Math.min(MAX_DETAIL, text.length())).replaceAll("[^ -~]", "?");
      }
      depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
    } while (depth > 0 && parser.nextToken() != null);
    return "without detail";
  }
}
