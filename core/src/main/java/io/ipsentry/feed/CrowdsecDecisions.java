package io.ipsentry.feed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Decisions of CrowdSec: what {@code cscli decisions list} prints as JSON or CSV ({@code -o raw}),
 * what {@code cscli decisions import} reads, and what the local API answers, all or as a stream (of
 * which what is deleted is left out). Taken are bans of the scopes ip and range, for as long as
 * their durations say. Stateless.
 */
final class CrowdsecDecisions {
  /** Objects and lists within each other. */
  private static final int MAX_DEPTH = 16;

  /** Columns of a CSV line. */
  private static final int MAX_COLUMNS = 64;

  /** What a decision is made of; as columns and as fields, in lower case. */
  private static final List<String> FIELDS =
      List.of("value", "ip", "scope", "type", "action", "duration", "expiration", "simulated");

  private CrowdsecDecisions() {}

  static void readJson(InputStream in, JsonFactory json, FeedEntries entries, EntryLimit limit)
      throws IOException {
    try (JsonParser parser = json.createParser(in)) {
      JsonToken first = parser.nextToken();
      if (first == JsonToken.VALUE_NULL) {
        // That is how cscli prints no decision.
        return;
      }
      if (first != JsonToken.START_ARRAY && first != JsonToken.START_OBJECT) {
        throw new RefusedListException("it is no list of decisions");
      }
      value(parser, entries, limit, 0);
      if (parser.nextToken() != null) {
        throw new RefusedListException("there is something behind the list of decisions");
      }
    }
  }

  /** At the first token of a value; leaves at its last. */
  private static void value(JsonParser parser, FeedEntries entries, EntryLimit limit, int depth)
      throws IOException {
    if (depth > MAX_DEPTH) {
      throw new RefusedListException("its objects lie too deep in each other");
    }
    if (parser.currentToken() == JsonToken.START_ARRAY) {
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        value(parser, entries, limit, depth + 1);
      }
    } else if (parser.currentToken() == JsonToken.START_OBJECT) {
      object(parser, entries, limit, depth);
    }
  }

  private static void object(JsonParser parser, FeedEntries entries, EntryLimit limit, int depth)
      throws IOException {
    long line = parser.currentTokenLocation().getLineNr();
    Map<String, String> fields = new HashMap<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      JsonToken token = parser.nextToken();
      if (token.isScalarValue()) {
        if (FIELDS.contains(name) && token != JsonToken.VALUE_NULL) {
          fields.put(name, parser.getText());
        }
      } else if (name.equals("deleted") || name.equals("source")) {
        parser.skipChildren();
      } else {
        value(parser, entries, limit, depth + 1);
      }
    }
    if (fields.containsKey("value")) {
      limit.check(entries.size());
      decision(fields, line, entries);
    }
  }

  static void readCsv(InputStream in, FeedEntries entries, EntryLimit limit) throws IOException {
    LineScanner lines = new LineScanner(in);
    List<String> columns = List.of();
    while (lines.next()) {
      String text =
          new String(
              lines.buffer(),
              lines.start(),
              lines.end() - lines.start(),
              StandardCharsets.ISO_8859_1);
      if (text.isBlank() || text.startsWith("#")) {
        continue;
      }
      List<String> cells = cells(text);
      if (columns.isEmpty()) {
        columns = cells.stream().map(cell -> cell.toLowerCase(Locale.ROOT)).toList();
        if (!columns.contains("value") && !columns.contains("ip")) {
          throw new RefusedListException(
              "its first line names no column value, as the decisions of CrowdSec do");
        }
        continue;
      }
      limit.check(entries.size());
      Map<String, String> fields = new HashMap<>();
      for (int i = 0; i < Math.min(cells.size(), columns.size()); i++) {
        if (FIELDS.contains(columns.get(i))) {
          fields.put(columns.get(i), cells.get(i));
        }
      }
      decision(fields, lines.number(), entries);
    }
  }

  /** The cells of a line; a cell in quotes may hold commas, and quotes twice. */
  private static List<String> cells(String line) {
    List<String> cells = new ArrayList<>();
    StringBuilder cell = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (quoted && c == '"' && i + 1 < line.length() && line.charAt(i + 1) == '"') {
        cell.append('"');
        i++;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted && cells.size() < MAX_COLUMNS) {
        cells.add(cell.toString().strip());
        cell.setLength(0);
      } else {
        cell.append(c);
      }
    }
    cells.add(cell.toString().strip());
    return cells;
  }

  private static void decision(Map<String, String> fields, long line, FeedEntries entries) {
    String value = fields.getOrDefault("value", fields.getOrDefault("ip", ""));
    String scope = fields.getOrDefault("scope", "");
    int colon = value.indexOf(':');
    if (!fields.containsKey("value") && colon > 0 && isScope(value.substring(0, colon))) {
      // The raw listing has both in one column: Ip:192.0.2.1.
      scope = value.substring(0, colon);
      value = value.substring(colon + 1);
    }
    String type = fields.getOrDefault("type", fields.getOrDefault("action", ""));
    boolean wanted =
        (scope.isEmpty() || scope.equalsIgnoreCase("ip") || scope.equalsIgnoreCase("range"))
            && (type.isEmpty() || type.equalsIgnoreCase("ban"))
            && !fields.getOrDefault("simulated", "").equalsIgnoreCase("true");
    if (!wanted) {
      entries.skip();
      return;
    }
    String duration = fields.getOrDefault("duration", fields.getOrDefault("expiration", ""));
    if (duration.isEmpty()) {
      entries.take(value, null, line);
      return;
    }
    Optional<Duration> left = GoDuration.parse(duration);
    if (left.isEmpty()) {
      byte[] text = duration.getBytes(StandardCharsets.ISO_8859_1);
      entries.bad(line, FeedEntries.quoted(text, 0, text.length) + " is no duration");
    } else {
      entries.take(value, left.get(), line);
    }
  }

  /** Whether a text before a colon is a scope and not the start of an IPv6 address. */
  private static boolean isScope(String text) {
    return text.chars().allMatch(Character::isLetter)
        && text.chars().anyMatch(c -> Character.digit(c, 16) < 0);
  }
}
