package io.ipsentry.kubernetes.api;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * A ConfigMap of ours.
 *
 * @param name in its namespace
 * @param labels by which it is found
 * @param data texts under their keys
 * @param binary bytes under their keys; nobody may change them
 * @param immutable whether the API server refuses to change it
 * @param uid of this object, given by the API server; empty: not created yet
 * @param version {@code resourceVersion}; empty: not created yet
 */
public record StoredConfigMap(
    String name,
    Map<String, String> labels,
    Map<String, String> data,
    Map<String, byte[]> binary,
    boolean immutable,
    String uid,
    String version)
    implements Answers.Versioned {
  /** Most bytes of all values together that the API server takes ({@code MaxSecretSize}). */
  public static final int MAX_BYTES = 1 << 20;

  public StoredConfigMap {
    labels = Map.copyOf(labels);
    data = Map.copyOf(data);
    binary = Map.copyOf(binary);
  }

  /** One to be created. */
  public static StoredConfigMap of(
      String name,
      Map<String, String> labels,
      Map<String, String> data,
      Map<String, byte[]> binary,
      boolean immutable) {
    return new StoredConfigMap(name, labels, data, binary, immutable, "", "");
  }

  /** The same object with other texts. */
  public StoredConfigMap withData(Map<String, String> changed) {
    return new StoredConfigMap(name, labels, changed, binary, immutable, uid, version);
  }

  /** The same content as the API server keeps it. */
  public StoredConfigMap stored(String newUid, String newVersion) {
    return new StoredConfigMap(name, labels, data, binary, immutable, newUid, newVersion);
  }

  /** A text; empty if there is none under the key. */
  public String text(String key) {
    return Objects.requireNonNullElse(data.get(key), "");
  }

  /** Bytes of all values together, as the API server counts them. */
  public long size() {
    return data.values().stream().mapToLong(v -> v.getBytes(StandardCharsets.UTF_8).length).sum()
        + binary.values().stream().mapToLong(v -> v.length).sum();
  }

  /** Name, texts and sizes, for people. */
  @Override
  public String toString() {
    return name + '@' + version + new TreeMap<>(data) + " + " + binary.size() + " binary";
  }
}
