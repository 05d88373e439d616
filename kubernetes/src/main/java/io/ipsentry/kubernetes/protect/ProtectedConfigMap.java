package io.ipsentry.kubernetes.protect;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMapFollower;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * The ConfigMap {@code R-protected}: what the leader found must never be banned, as text that
 * people can read ({@code data.prefixes}), or compressed where that is too long ({@code
 * binaryData.prefixes.gz}). Safe for any thread.
 */
public final class ProtectedConfigMap {
  /** Longer text is compressed, in bytes. */
  static final int MAX_TEXT_BYTES = 256 * 1024;

  /** Longer compressed text is refused, in bytes: some 200,000 addresses without any order. */
  static final int MAX_COMPRESSED_BYTES = 900 * 1024;

  /** What a damaged or foreign one is not allowed to unfold to, in bytes. */
  private static final int MAX_READ_BYTES = 64 * 1024 * 1024;

  static final String TEXT = "prefixes";
  static final String COMPRESSED = "prefixes.gz";
  private static final String LOG_LABEL = "ip-sentry.io/log";
  private static final String PART_LABEL = "ip-sentry.io/part";
  private static final String PROTECTED = "protected";

  private final ConfigMaps api;
  private final String release;

  /**
   * @param release full name of the release
   */
  public ProtectedConfigMap(ConfigMaps api, String release) {
    this.api = api;
    this.release = release;
  }

  /** Its name. */
  public String name() {
    return release + "-protected";
  }

  ConfigMaps.Selector selector() {
    return new ConfigMaps.Selector(Map.of(LOG_LABEL, release), PART_LABEL, Set.of(PROTECTED));
  }

  /**
   * What it says; empty: there is none.
   *
   * @throws ApiServerException if the API server fails
   * @throws BanLogException permanent, if it cannot be understood
   */
  public Optional<List<Part>> read() {
    return api.get(name()).map(this::read);
  }

  /**
   * Begins to follow what others make of it.
   *
   * @param changed called when it was written, by whomever, or deleted
   */
  ConfigMapFollower<Optional<List<Part>>> follow(Runnable changed) {
    return ConfigMapFollower.start(
        api,
        new ConfigMapFollower.Followed<>(name(), selector(), this::readable, Optional.empty()),
        _ -> changed.run(),
        changed);
  }

  /** What it says; empty: it is damaged. */
  private Optional<List<Part>> readable(StoredConfigMap map) {
    try {
      return Optional.of(read(map));
    } catch (BanLogException e) {
      return Optional.empty();
    }
  }

  List<Part> read(StoredConfigMap map) {
    try {
      byte[] compressed = map.binary().get(COMPRESSED);
      return ProtectedText.read(compressed == null ? map.text(TEXT) : unfolded(compressed));
    } catch (IllegalArgumentException | IOException e) {
      throw BanLogException.permanent(
          "the ConfigMap "
              + map.name()
              + " cannot be read: "
              + e.getMessage()
              + "; delete it, and the leader writes it again",
          e);
    }
  }

  private static String unfolded(byte[] compressed) throws IOException {
    try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(compressed))) {
      byte[] text = in.readNBytes(MAX_READ_BYTES + 1);
      if (text.length > MAX_READ_BYTES) {
        throw new IOException("more than " + MAX_READ_BYTES + " bytes of text");
      }
      return new String(text, StandardCharsets.UTF_8);
    }
  }

  /**
   * Makes it say this; writes only if it says something else.
   *
   * @return whether it was written
   * @throws ApiServerException if the API server fails, or another wrote it at the same time
   * @throws BanLogException permanent, if it is too much for a ConfigMap; then it stays as it was
   */
  public boolean write(List<Part> parts) {
    String text = ProtectedText.write(parts);
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Map<String, String> data = bytes.length > MAX_TEXT_BYTES ? Map.of() : Map.of(TEXT, text);
    Map<String, byte[]> binary =
        bytes.length > MAX_TEXT_BYTES ? Map.of(COMPRESSED, compressed(bytes)) : Map.of();
    Map<String, String> labels =
        Map.of(
            "app.kubernetes.io/managed-by", "ip-sentry", LOG_LABEL, release, PART_LABEL, PROTECTED);
    StoredConfigMap wanted = StoredConfigMap.of(name(), labels, data, binary, false);
    Optional<StoredConfigMap> stored = api.get(name());
    if (stored.isPresent() && isSame(stored.get(), wanted)) {
      return false;
    }
    if (stored.isPresent()) {
      StoredConfigMap ignored =
          api.replace(wanted.stored(stored.get().uid(), stored.get().version()));
    } else {
      create(wanted);
    }
    return true;
  }

  private void create(StoredConfigMap wanted) {
    try {
      StoredConfigMap ignored = api.create(wanted);
    } catch (ApiServerException e) {
      if (e.reason() != Reason.EXISTS) {
        throw e;
      }
      throw new ApiServerException(Reason.CONFLICT, wanted.name() + " was made meanwhile", e);
    }
  }

  private boolean isSame(StoredConfigMap stored, StoredConfigMap wanted) {
    try {
      return stored.labels().equals(wanted.labels())
          && ProtectedText.write(read(stored)).equals(ProtectedText.write(read(wanted)));
    } catch (BanLogException e) {
      return false;
    }
  }

  private byte[] compressed(byte[] text) {
    ByteArrayOutputStream target = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(target)) {
      gzip.write(text);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    if (target.size() > MAX_COMPRESSED_BYTES) {
      throw BanLogException.permanent(
          "what must never be banned is too much for the ConfigMap "
              + name()
              + ": "
              + target.size()
              + " bytes compressed of at most "
              + MAX_COMPRESSED_BYTES
              + "; write fewer, wider prefixes");
    }
    return target.toByteArray();
  }
}
