package io.ipsentry.watcher.source;

/**
 * The stored bytes are not a checkpoint of this kind of source. Permanent: reading again gives the
 * same.
 */
public final class CheckpointException extends RuntimeException {
  CheckpointException(String source, String found, Throwable cause) {
    super(message(source, found), cause);
  }

  CheckpointException(String source, String found) {
    super(message(source, found));
  }

  private static String message(String source, String found) {
    return "stored checkpoint of source '"
        + source
        + "' cannot be read: "
        + found
        + "; remove it to start this source as on its first day";
  }
}
