package io.ipsentry.kubernetes.blocklist;

import io.ipsentry.kubernetes.blocklist.BlocklistStore.Found;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The keys of the ConfigMap: the document, and beside it its version, how many bans are active, how
 * many of them are not shown, and its SHA-256, by which a document that nobody touched is known.
 */
final class DocumentData {
  static final String VERSION = "version";
  static final String ACTIVE = "active";
  static final String TRUNCATED = "truncated";
  static final String DIGEST = "digest";

  private DocumentData() {}

  /** All keys of ours; null: it is not to be there. */
  static Map<String, @Nullable String> of(ShownBans shown) {
    Map<String, @Nullable String> data = new HashMap<>();
    String document = shown.document();
    data.put(BlocklistStore.DOCUMENT, document);
    data.put(VERSION, Long.toString(shown.stamp().version()));
    data.put(ACTIVE, Integer.toString(shown.active()));
    data.put(TRUNCATED, shown.truncated() == 0 ? null : Integer.toString(shown.truncated()));
    data.put(DIGEST, digest(document));
    return data;
  }

  static Map<String, String> withoutNulls(Map<String, @Nullable String> data) {
    Map<String, String> rest = new HashMap<>();
    data.forEach((key, text) -> {
      if (text != null) {
        rest.put(key, text);
      }
    });
    return rest;
  }

  /** Characters of all values, which are ASCII. */
  static long size(Map<String, @Nullable String> data) {
    return data.values().stream().filter(Objects::nonNull).mapToLong(String::length).sum();
  }

  /** Whether the document is as a leader wrote it. */
  static boolean isUntouched(Found found) {
    return digest(found.document()).equals(found.data().get(DIGEST));
  }

  private static String digest(String document) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      return "sha256:"
          + HexFormat.of().formatHex(sha256.digest(document.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
