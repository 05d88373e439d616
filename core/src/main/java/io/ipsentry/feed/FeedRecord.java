package io.ipsentry.feed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What is known of a feed since it was fetched last.
 *
 * @param feed its name
 * @param origin where it came from and how it was read: what was known of another is of no use
 * @param action what it was for
 * @param digest of its content; empty: it has none, any more
 * @param entries number of its prefixes
 * @param etag what the server called this content; empty: it did not say
 * @param lastModified the server's stamp, as it wrote it; empty: it did not say
 * @param confirmedAt when the content was last known to be that of the source
 * @param changedAt since when it has this content
 * @param ends whether some of its entries end by themselves, so that it must be read whole again
 */
public record FeedRecord(
    String feed,
    String origin,
    FeedAction action,
    String digest,
    int entries,
    String etag,
    String lastModified,
    Instant confirmedAt,
    Instant changedAt,
    boolean ends) {
  private static final JsonFactory JSON = new JsonFactory();

  /** The same, known to hold at a moment. */
  public FeedRecord confirmed(Instant at) {
    return new FeedRecord(
        feed, origin, action, digest, entries, etag, lastModified, at, changedAt, ends);
  }

  /** The same with another content from the same answer of the server. */
  public FeedRecord with(FeedStore.Stored content, Instant at) {
    return new FeedRecord(
        feed,
        origin,
        action,
        content.digest(),
        content.entries(),
        etag,
        lastModified,
        confirmedAt,
        at,
        ends);
  }

  /** The same without a content. */
  public FeedRecord withdrawn(Instant at) {
    return new FeedRecord(feed, origin, action, "", 0, "", "", confirmedAt, at, false);
  }

  /** As one line of JSON. */
  public String toJson() {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField("feed", feed);
      json.writeStringField("origin", origin);
      json.writeStringField("action", action.wireName());
      json.writeStringField("digest", digest);
      json.writeNumberField("entries", entries);
      json.writeStringField("etag", etag);
      json.writeStringField("last_modified", lastModified);
      json.writeStringField("confirmed_at", confirmedAt.toString());
      json.writeStringField("changed_at", changedAt.toString());
      json.writeBooleanField("ends", ends);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return text.toString();
  }

  /**
   * Reads what {@link #toJson} wrote; empty: it is damaged. Fields that are not known are skipped.
   */
  public static Optional<FeedRecord> parse(String text) {
    Map<String, String> fields = new HashMap<>();
    try (JsonParser json = JSON.createParser(text)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        return Optional.empty();
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        if (json.nextToken().isScalarValue()) {
          fields.put(name, json.getText());
        } else {
          json.skipChildren();
        }
      }
      FeedAction action = FeedAction.BY_NAME.get(fields.getOrDefault("action", ""));
      if (action == null || fields.getOrDefault("feed", "").isEmpty()) {
        return Optional.empty();
      }
      return Optional.of(
          new FeedRecord(
              fields.getOrDefault("feed", ""),
              fields.getOrDefault("origin", ""),
              action,
              fields.getOrDefault("digest", ""),
              Integer.parseInt(fields.getOrDefault("entries", "")),
              fields.getOrDefault("etag", ""),
              fields.getOrDefault("last_modified", ""),
              Instant.parse(fields.getOrDefault("confirmed_at", "")),
              Instant.parse(fields.getOrDefault("changed_at", "")),
              Boolean.parseBoolean(fields.getOrDefault("ends", ""))));
    } catch (IOException | NumberFormatException | DateTimeException e) {
      return Optional.empty();
    }
  }
}
