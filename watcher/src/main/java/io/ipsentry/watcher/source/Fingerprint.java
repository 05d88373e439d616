package io.ipsentry.watcher.source;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The beginning of a file, which an appending writer never changes: the first {@link #MAX_BYTES} of
 * what was read, or fewer while the file is short.
 *
 * @param length bytes covered; 0 when nothing was read yet, which matches every file
 * @param hash SHA-256 of them in hex, cut to 128 bits
 */
record Fingerprint(int length, String hash) {
  /** Several lines of most logs, so that a constant heading does not make two files the same. */
  static final int MAX_BYTES = 1024;

  /** Files are only taken for the same by their beginning alone if it is at least so long. */
  static final int MIN_BYTES_TO_IDENTIFY = 32;

  private static final int HASH_BYTES = 16;

  static final Fingerprint NONE = new Fingerprint(0, "");

  Fingerprint {
    if (length < 0 || length > MAX_BYTES) {
      throw new IllegalArgumentException("length of a fingerprint: " + length);
    }
  }

  /** Of the first {@code length} bytes of {@code beginning}. */
  static Fingerprint of(byte[] beginning, int length) {
    if (length == 0) {
      return NONE;
    }
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(beginning, 0, length);
      return new Fingerprint(length, HexFormat.of().formatHex(digest.digest(), 0, HASH_BYTES));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Whether a file that begins with the first {@code length} bytes of {@code beginning} fits. */
  boolean matches(byte[] beginning, int length) {
    return length >= this.length && of(beginning, this.length).equals(this);
  }

  /** Whether it is long enough to recognise a file by it alone. */
  boolean identifies() {
    return length >= MIN_BYTES_TO_IDENTIFY;
  }
}
