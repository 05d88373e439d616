package io.ipsentry.feed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * Spamhaus DROP as JSON lines: {@code {"cidr":"192.0.2.0/24","sblid":"SBL1","rir":"ripencc"}}, and
 * at last {@code {"type":"metadata","timestamp":1734345064,"size":…,"records":1670,…}}. A list
 * without that line, or whose number is another, was cut on its way and is refused. Stateless.
 */
final class SpamhausDrop {
  private SpamhausDrop() {}

  /** What a line says of itself. */
  private static final class Line {
    @Nullable String cidr;
    boolean isMetadata;
    long records = -1;
  }

  static void read(InputStream in, JsonFactory json, FeedEntries entries, EntryLimit limit)
      throws IOException {
    LineScanner lines = new LineScanner(in);
    long records = 0;
    long announced = -1;
    while (lines.next()) {
      byte[] b = lines.buffer();
      int from = lines.start();
      while (from < lines.end() && PlainList.isBlank(b[from])) {
        from++;
      }
      if (from == lines.end()) {
        continue;
      }
      limit.check(entries.size());
      try {
        Line line = parse(json, b, from, lines.end() - from);
        if (line.isMetadata) {
          announced = line.records;
        } else if (line.cidr == null) {
          entries.bad(lines.number(), "has no cidr: " + FeedEntries.quoted(b, from, lines.end()));
        } else {
          records++;
          entries.take(line.cidr, null, lines.number());
        }
      } catch (JsonProcessingException e) {
        entries.bad(
            lines.number(), "is no JSON object: " + FeedEntries.quoted(b, from, lines.end()));
      }
    }
    if (announced < 0) {
      throw new RefusedListException(
          "it has no line with the number of its records, so it may have been cut");
    }
    if (announced != records) {
      throw new RefusedListException(
          "it says that it has " + announced + " records, and has " + records);
    }
  }

  private static Line parse(JsonFactory json, byte[] b, int from, int length) throws IOException {
    Line line = new Line();
    try (JsonParser parser = json.createParser(b, from, length)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return line;
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        JsonToken value = parser.nextToken();
        if (name.equals("cidr") && value == JsonToken.VALUE_STRING) {
          line.cidr = parser.getText();
        } else if (name.equals("type") && value == JsonToken.VALUE_STRING) {
          line.isMetadata = parser.getText().equals("metadata");
        } else if (name.equals("records") && value == JsonToken.VALUE_NUMBER_INT) {
          line.records = parser.getLongValue();
        } else {
          parser.skipChildren();
        }
      }
    }
    return line;
  }
}
