package io.ipsentry.config;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/** Reads tokens. What is said about one never repeats any of it. */
final class SecretReader {
  private static final String FORM =
      "write "
          + CallerConfig.MIN_TOKEN_LENGTH
          + " to "
          + CallerConfig.MAX_TOKEN_LENGTH
          + " visible ASCII characters, such as what 'openssl rand -hex 32' prints";

  private final InputFiles files;
  private final Path directory;

  SecretReader(InputFiles files, Path directory) {
    this.files = files;
    this.directory = directory;
  }

  /**
   * The token of a mapping that may have it itself or name a file; empty if it has neither, or if
   * it cannot be used, which is then reported.
   */
  Optional<String> token(Section section, String key, String fileKey) {
    Optional<Value> written = section.get(key);
    Optional<Value> file = section.get(fileKey);
    if (written.isPresent() && file.isPresent()) {
      section.whole().error("has " + key + " and " + fileKey, "write one of them");
      return Optional.empty();
    }
    if (written.isPresent()) {
      return written.get().text().filter(token -> isToken(written.get(), token, ""));
    }
    return file.flatMap(this::fromFile);
  }

  private Optional<String> fromFile(Value value) {
    Optional<Path> path = ServiceReader.path(value, directory);
    return path.flatMap(file -> files.read(file, 64 << 10, value.place()))
        .map(bytes -> new String(bytes, StandardCharsets.ISO_8859_1).strip())
        .filter(token -> isToken(value, token, "the file holds a token that "));
  }

  private static boolean isToken(Value value, String token, String before) {
    if (token.length() < CallerConfig.MIN_TOKEN_LENGTH) {
      value.error(
          before
              + "is shorter than "
              + CallerConfig.MIN_TOKEN_LENGTH
              + " characters, and could be guessed",
          FORM);
      return false;
    }
    if (!token.matches("[!-~]{1," + CallerConfig.MAX_TOKEN_LENGTH + "}")) {
      value.error(before + "is too long, or has characters that no header can carry", FORM);
      return false;
    }
    return true;
  }
}
