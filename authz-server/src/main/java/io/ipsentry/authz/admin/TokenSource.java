package io.ipsentry.authz.admin;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Gives the token that a client sends, at each call. Safe for any thread. */
@FunctionalInterface
public interface TokenSource {
  /** A token file is no longer than this, or it is another file. */
  int MAX_FILE_BYTES = 64 << 10;

  /**
   * The token of the moment: visible ASCII characters.
   *
   * @throws AdminEndpointException if there is none
   */
  String token();

  /** The token that a file holds at the moment, so that it may be rotated. */
  static TokenSource file(Path file) {
    return () -> read(file);
  }

  private static String read(Path file) {
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw new AdminEndpointException(file + " is too large for a token file");
      }
      String token = Files.readString(file).strip();
      if (token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c <= '~')) {
        throw new AdminEndpointException(
            file + " must hold one token of visible ASCII characters and nothing else");
      }
      return token;
    } catch (IOException e) {
      throw new AdminEndpointException(
          "cannot read the token file " + file + "; check the path and its permissions", e);
    }
  }
}
