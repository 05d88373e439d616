package io.ipsentry.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Reads the files that a configuration consists of, and remembers which they were and what was in
 * them. Confined to one thread.
 */
final class InputFiles {
  private static final String UNREADABLE = "unreadable";

  private final Problems problems;
  private final Map<Path, String> digests = new TreeMap<>();
  private final boolean forbidden;

  InputFiles(Problems problems) {
    this(problems, false);
  }

  private InputFiles(Problems problems, boolean forbidden) {
    this.problems = problems;
    this.forbidden = forbidden;
  }

  /** Reads no file: for documents of people who may not have any read. */
  static InputFiles none(Problems problems) {
    return new InputFiles(problems, true);
  }

  /** What was read: SHA-256 by absolute path, or that it could not be read. */
  Map<Path, String> digests() {
    return Map.copyOf(digests);
  }

  /** Has a file watched that was read by other means and is to be mended. */
  void track(Path file) {
    Path absolute = file.toAbsolutePath().normalize();
    try {
      digests.put(
          absolute, HexFormat.of().formatHex(sha256().digest(Files.readAllBytes(absolute))));
    } catch (IOException e) {
      digests.put(absolute, UNREADABLE);
    }
  }

  /**
   * Reads a whole file.
   *
   * @param named where the file is named, for the error
   * @return empty when it cannot be read or is larger than {@code maxBytes}; then that is an error
   */
  Optional<byte[]> read(Path file, long maxBytes, Place named) {
    if (forbidden) {
      problems.error(named, "names a file, and none is read here", "write what is in it");
      return Optional.empty();
    }
    Path absolute = file.toAbsolutePath().normalize();
    digests.put(absolute, UNREADABLE);
    try {
      // Opening a FIFO would wait for a writer for ever.
      if (Files.exists(absolute) && !Files.isRegularFile(absolute)) {
        problems.error(named, file + " is not a regular file", "name a file");
        return Optional.empty();
      }
      byte[] bytes;
      try (InputStream in = Files.newInputStream(absolute)) {
        bytes = in.readNBytes((int) Math.min(Integer.MAX_VALUE - 8, maxBytes + 1));
      }
      digests.put(absolute, HexFormat.of().formatHex(sha256().digest(bytes)));
      if (bytes.length > maxBytes) {
        problems.error(
            named,
            file + " is larger than " + (maxBytes >> 20) + " MiB",
            "split it into smaller ones");
        return Optional.empty();
      }
      return Optional.of(bytes);
    } catch (NoSuchFileException e) {
      problems.error(named, file + " is not there", "create it, or correct the path");
    } catch (AccessDeniedException e) {
      problems.error(named, "there is no permission to read " + file, "make it readable");
    } catch (IOException e) {
      problems.error(named, file + " cannot be read: " + e.getMessage(), "make it a readable file");
    }
    return Optional.empty();
  }

  /** A file that need not be there; whether it is, and what is in it, is watched. */
  Optional<byte[]> readIfThere(Path file, int maxBytes) {
    Path absolute = file.toAbsolutePath().normalize();
    digests.put(absolute, UNREADABLE);
    if (!Files.isRegularFile(absolute)) {
      return Optional.empty();
    }
    try (InputStream in = Files.newInputStream(absolute)) {
      byte[] bytes = in.readNBytes(maxBytes + 1);
      digests.put(absolute, HexFormat.of().formatHex(sha256().digest(bytes)));
      return Optional.of(bytes);
    } catch (IOException _) {
      // As good as absent; whoever needs it says so.
      return Optional.empty();
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
