package io.ipsentry.watcher.feed;

import java.time.Duration;
import java.util.Optional;

/** What became of fetching a list. */
sealed interface Fetched {
  /**
   * It came.
   *
   * @param etag what the server calls it; empty: it does not say
   * @param lastModified the server's stamp, as it wrote it; empty: it does not say
   */
  @SuppressWarnings("ArrayRecordComponent") // handed on once, never compared
  record Body(byte[] bytes, String etag, String lastModified) implements Fetched {}

  /** It is as it was. */
  record NotModified() implements Fetched {}

  /**
   * It could not be had.
   *
   * @param reason for people
   * @param retryAfter how long the server asks to be left alone; empty: it does not say
   */
  record Failed(String reason, Optional<Duration> retryAfter) implements Fetched {
    static Failed because(String reason) {
      return new Failed(reason, Optional.empty());
    }
  }
}
