package io.ipsentry.kubernetes.api;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the JSON of the API server while it comes in, without a model of what is not needed: a
 * listing may be megabytes, and what waits here is memory. Each kind of object has a {@link Reader}
 * of its own. Stateless.
 */
public final class Answers {
  private static final JsonFactory JSON =
      JsonFactory.builder().disable(JsonFactory.Feature.INTERN_FIELD_NAMES).build();

  private Answers() {}

  /** An object of the API server. */
  public interface Versioned {
    /** Its {@code resourceVersion}. */
    String version();
  }

  /** Reads objects of one kind. */
  @FunctionalInterface
  public interface Reader<T extends Versioned> {
    /** Reads the object whose {@code START_OBJECT} was read, to its {@code END_OBJECT}. */
    T read(JsonParser json) throws IOException;
  }

  /**
   * What stands around the items of a listing.
   *
   * @param version of the listing
   * @param next where to go on; empty: it ends here
   */
  public record Page(String version, String next) {}

  /** What the API server says when it does not do as it is told. */
  public record Failure(int code, String reason, String message) {}

  /** Something that a watch tells. */
  public sealed interface Told<T> {
    /** Something happened; the object is as it is now, or was before it was deleted. */
    record Happened<T>(ConfigMaps.Change.Kind kind, T object) implements Told<T> {}

    /** Nothing did, up to a version. */
    record Bookmark<T>(String version) implements Told<T> {}

    /** It cannot go on. */
    record Failed<T>(Failure failure) implements Told<T> {}
  }

  /** Reads an answer; the caller closes it. */
  public static JsonParser parser(InputStream in) throws IOException {
    return JSON.createParser(in);
  }

  /** An object that is all there is. */
  public static <T extends Versioned> T single(InputStream in, Reader<T> reader)
      throws IOException {
    try (JsonParser json = parser(in)) {
      begin(json, JsonToken.START_OBJECT);
      return reader.read(json);
    }
  }

  /** Takes one object of a listing, whose {@code START_OBJECT} was read, to its end. */
  @FunctionalInterface
  public interface Item {
    /** Takes it. */
    void read(JsonParser json) throws IOException;
  }

  /**
   * A page of a listing.
   *
   * @param items takes what is on it
   */
  public static Page page(InputStream in, Item items) throws IOException {
    String version = "";
    String next = "";
    try (JsonParser json = parser(in)) {
      begin(json, JsonToken.START_OBJECT);
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String field = json.currentName();
        JsonToken value = json.nextToken();
        if (field.equals("metadata") && value == JsonToken.START_OBJECT) {
          Map<String, String> metadata = texts(json);
          version = metadata.getOrDefault("resourceVersion", "");
          next = metadata.getOrDefault("continue", "");
        } else if (field.equals("items") && value == JsonToken.START_ARRAY) {
          while (json.nextToken() == JsonToken.START_OBJECT) {
            items.read(json);
          }
        } else {
          json.skipChildren();
        }
      }
      if (json.currentToken() != JsonToken.END_OBJECT) {
        throw new IOException("the listing ends too early");
      }
    }
    return new Page(version, next);
  }

  /** What a refusal says; nothing but its code, where it says it otherwise. */
  static Failure failure(int code, InputStream in) {
    try (JsonParser json = parser(in)) {
      begin(json, JsonToken.START_OBJECT);
      Map<String, String> status = texts(json);
      return new Failure(
          code, status.getOrDefault("reason", ""), status.getOrDefault("message", ""));
    } catch (IOException e) {
      return new Failure(code, "", "HTTP " + code);
    }
  }

  /** The next thing that a watch tells; empty: it has ended. */
  public static <T extends Versioned> Optional<Told<T>> next(JsonParser json, Reader<T> reader)
      throws IOException {
    if (json.nextToken() == null) {
      return Optional.empty();
    }
    expect(json, JsonToken.START_OBJECT);
    String type = "";
    T object = null;
    Failure failure = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      JsonToken value = json.nextToken();
      if (field.equals("type")) {
        type = json.getText();
      } else if (field.equals("object") && value == JsonToken.START_OBJECT) {
        // The type comes first: the API server writes it so, and an error is no such object.
        if (type.equals("ERROR")) {
          failure = failure(texts(json));
        } else {
          object = reader.read(json);
        }
      } else {
        json.skipChildren();
      }
    }
    if (failure != null) {
      return Optional.of(new Told.Failed<>(failure));
    }
    if (object == null) {
      throw new IOException("a watch tells nothing of " + type);
    }
    return Optional.of(
        switch (type) {
          case "ADDED" -> new Told.Happened<>(ConfigMaps.Change.Kind.ADDED, object);
          case "MODIFIED" -> new Told.Happened<>(ConfigMaps.Change.Kind.MODIFIED, object);
          case "DELETED" -> new Told.Happened<>(ConfigMaps.Change.Kind.DELETED, object);
          case "BOOKMARK" -> new Told.Bookmark<>(object.version());
          default -> throw new IOException("a watch tells " + type);
        });
  }

  private static Failure failure(Map<String, String> status) {
    String code = status.getOrDefault("code", "0");
    try {
      return new Failure(
          Integer.parseInt(code),
          status.getOrDefault("reason", ""),
          status.getOrDefault("message", ""));
    } catch (NumberFormatException e) {
      return new Failure(0, "", "code " + code);
    }
  }

  private static void begin(JsonParser json, JsonToken first) throws IOException {
    if (json.nextToken() == null) {
      throw new IOException("the answer is empty");
    }
    expect(json, first);
  }

  /** Refuses any other token than this. */
  public static void expect(JsonParser json, JsonToken wanted) throws IOException {
    if (json.currentToken() != wanted) {
      throw new IOException("the answer has " + json.currentToken() + " for " + wanted);
    }
  }

  /** The simple values of the object whose beginning was read, as texts; others are left out. */
  public static Map<String, String> texts(JsonParser json) throws IOException {
    Map<String, String> texts = new HashMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      JsonToken value = json.nextToken();
      if (value.isStructStart()) {
        json.skipChildren();
      } else if (value != JsonToken.VALUE_NULL) {
        texts.put(key, json.getText());
      }
    }
    expect(json, JsonToken.END_OBJECT);
    return texts;
  }
}
