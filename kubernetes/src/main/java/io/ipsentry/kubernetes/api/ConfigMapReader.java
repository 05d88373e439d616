package io.ipsentry.kubernetes.api;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.ipsentry.kubernetes.api.ConfigMaps.Change;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Reads ConfigMaps from the JSON of the API server while it comes in, without a model of what is
 * not needed: a listing may be megabytes, and what waits here is memory. Stateless.
 */
final class ConfigMapReader {
  private static final JsonFactory JSON =
      JsonFactory.builder().disable(JsonFactory.Feature.INTERN_FIELD_NAMES).build();

  private ConfigMapReader() {}

  /**
   * What stands around the items of a listing.
   *
   * @param version of the listing
   * @param next where to go on; empty: it ends here
   */
  record Page(String version, String next) {}

  /**
   * Takes what is on a page.
   *
   * @param wanted names; the data of others is stepped over
   * @param found gets those that are wanted
   */
  record Items(Predicate<String> wanted, List<StoredConfigMap> found) {
    private void read(JsonParser json) throws IOException {
      StoredConfigMap map = configMap(json, wanted);
      if (wanted.test(map.name())) {
        found.add(map);
      }
    }
  }

  /** What the API server says when it does not do as it is told. */
  record Failure(int code, String reason, String message) {}

  /** Something that a watch tells. */
  sealed interface Told {
    /** Something happened. */
    record Happened(Change change) implements Told {}

    /** Nothing did, up to a version. */
    record Bookmark(String version) implements Told {}

    /** It cannot go on. */
    record Failed(Failure failure) implements Told {}
  }

  static JsonParser parser(InputStream in) throws IOException {
    return JSON.createParser(in);
  }

  /** A ConfigMap that is all there is. */
  static StoredConfigMap single(InputStream in) throws IOException {
    try (JsonParser json = parser(in)) {
      begin(json, JsonToken.START_OBJECT);
      return configMap(json, name -> true);
    }
  }

  /**
   * A page of a listing.
   *
   * @param items takes what is on it
   */
  static Page page(InputStream in, Items items) throws IOException {
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
  static Optional<Told> next(JsonParser json) throws IOException {
    if (json.nextToken() == null) {
      return Optional.empty();
    }
    expect(json, JsonToken.START_OBJECT);
    String type = "";
    StoredConfigMap map = null;
    Failure failure = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      JsonToken value = json.nextToken();
      if (field.equals("type")) {
        type = json.getText();
      } else if (field.equals("object") && value == JsonToken.START_OBJECT) {
        // The type comes first: the API server writes it so, and an error is no ConfigMap.
        if (type.equals("ERROR")) {
          failure = failure(texts(json));
        } else {
          map = configMap(json, name -> true);
        }
      } else {
        json.skipChildren();
      }
    }
    if (failure != null) {
      return Optional.of(new Told.Failed(failure));
    }
    if (map == null) {
      throw new IOException("a watch tells nothing of " + type);
    }
    StoredConfigMap told = map;
    return Optional.of(
        switch (type) {
          case "ADDED" -> new Told.Happened(new Change(Change.Kind.ADDED, told));
          case "MODIFIED" -> new Told.Happened(new Change(Change.Kind.MODIFIED, told));
          case "DELETED" -> new Told.Happened(new Change(Change.Kind.DELETED, told));
          case "BOOKMARK" -> new Told.Bookmark(told.version());
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

  private static void expect(JsonParser json, JsonToken wanted) throws IOException {
    if (json.currentToken() != wanted) {
      throw new IOException("the answer has " + json.currentToken() + " for " + wanted);
    }
  }

  /**
   * The object whose beginning was read, to its end.
   *
   * @param wanted whether its data is, by its name, which the API server writes before
   */
  private static StoredConfigMap configMap(JsonParser json, Predicate<String> wanted)
      throws IOException {
    String name = "";
    String uid = "";
    String version = "";
    Map<String, String> labels = Map.of();
    Map<String, String> data = Map.of();
    Map<String, byte[]> binary = Map.of();
    boolean immutable = false;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      JsonToken value = json.nextToken();
      boolean isObject = value == JsonToken.START_OBJECT;
      if (field.equals("metadata") && isObject) {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String of = json.currentName();
          boolean nested = json.nextToken() == JsonToken.START_OBJECT;
          switch (of) {
            case "name" -> name = json.getText();
            case "uid" -> uid = json.getText();
            case "resourceVersion" -> version = json.getText();
            case "labels" -> labels = nested ? texts(json) : labels;
            default -> json.skipChildren();
          }
        }
        expect(json, JsonToken.END_OBJECT);
      } else if (!wanted.test(name)) {
        json.skipChildren();
      } else if (field.equals("data") && isObject) {
        data = texts(json);
      } else if (field.equals("binaryData") && isObject) {
        binary = bytes(json);
      } else if (field.equals("immutable")) {
        immutable = value == JsonToken.VALUE_TRUE;
      } else {
        json.skipChildren();
      }
    }
    expect(json, JsonToken.END_OBJECT);
    return new StoredConfigMap(name, labels, data, binary, immutable, uid, version);
  }

  /** The simple values of the object whose beginning was read, as texts; others are left out. */
  private static Map<String, String> texts(JsonParser json) throws IOException {
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

  private static Map<String, byte[]> bytes(JsonParser json) throws IOException {
    Map<String, byte[]> bytes = new HashMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      if (json.nextToken() == JsonToken.VALUE_STRING) {
        bytes.put(key, json.getBinaryValue());
      } else {
        json.skipChildren();
      }
    }
    expect(json, JsonToken.END_OBJECT);
    return bytes;
  }
}
