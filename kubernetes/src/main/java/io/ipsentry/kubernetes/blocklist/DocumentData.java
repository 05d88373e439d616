package io.ipsentry.kubernetes.blocklist;

import io.ipsentry.kubernetes.blocklist.BlocklistStore.Found;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The keys of the ConfigMap: the document, and beside it its version, how many bans are active, how
 * many of them are not shown, its SHA-256, by which a document that nobody touched is known, and
 * which version of the ConfigMap it was written over: all that people did up to there is done.
 */
final class DocumentData {
  static final String VERSION = "version";
  static final String ACTIVE = "active";
  static final String TRUNCATED = "truncated";
  static final String DIGEST = "digest";

  /** An {@link EditName}. */
  static final String REPLACES = "replaces";

  private DocumentData() {}

  /**
   * All keys of ours; null: it is not to be there.
   *
   * @param before what it is written over
   */
  static Map<String, @Nullable String> of(ShownBans shown, Found before) {
    Map<String, @Nullable String> data = new HashMap<>();
    String document = shown.document();
    data.put(BlocklistStore.DOCUMENT, document);
    data.put(VERSION, Long.toString(shown.stamp().version()));
    data.put(ACTIVE, Integer.toString(shown.active()));
    data.put(TRUNCATED, shown.truncated() == 0 ? null : Integer.toString(shown.truncated()));
    data.put(DIGEST, digest(document));
    data.put(REPLACES, EditName.of(before).toString());
    return data;
  }

  /** Characters of all values, which are ASCII. */
  static long size(Map<String, @Nullable String> data) {
    return data.values().stream().filter(Objects::nonNull).mapToLong(String::length).sum();
  }

  /** Whether the document is as a leader wrote it. */
  static boolean isUntouched(Found found) {
    return digest(found.document()).equals(found.data().get(DIGEST));
  }

  /** What the last leader wrote over; empty: none has, or somebody took the key out. */
  static Optional<String> replaced(Found found) {
    return Optional.ofNullable(found.data().get(REPLACES));
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
