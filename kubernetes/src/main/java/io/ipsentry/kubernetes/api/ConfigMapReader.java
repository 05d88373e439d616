package io.ipsentry.kubernetes.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Reads ConfigMaps, as far as they are needed. Stateless. */
final class ConfigMapReader {
  private ConfigMapReader() {}

  /**
   * Takes what is on a page.
   *
   * @param wanted names; the data of others is stepped over
   * @param found gets those that are wanted
   */
  record Items(Predicate<String> wanted, List<StoredConfigMap> found) {
    /** Takes the object whose beginning was read. */
    void read(JsonParser json) throws IOException {
      StoredConfigMap map = configMap(json, wanted);
      if (wanted.test(map.name())) {
        found.add(map);
      }
    }
  }

  /** The object whose beginning was read, to its end. */
  static StoredConfigMap read(JsonParser json) throws IOException {
    return configMap(json, name -> true);
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
            case "labels" -> labels = nested ? Answers.texts(json) : labels;
            default -> json.skipChildren();
          }
        }
        Answers.expect(json, JsonToken.END_OBJECT);
      } else if (!wanted.test(name)) {
        json.skipChildren();
      } else if (field.equals("data") && isObject) {
        data = Answers.texts(json);
      } else if (field.equals("binaryData") && isObject) {
        binary = bytes(json);
      } else if (field.equals("immutable")) {
        immutable = value == JsonToken.VALUE_TRUE;
      } else {
        json.skipChildren();
      }
    }
    Answers.expect(json, JsonToken.END_OBJECT);
    return new StoredConfigMap(name, labels, data, binary, immutable, uid, version);
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
    Answers.expect(json, JsonToken.END_OBJECT);
    return bytes;
  }
}
