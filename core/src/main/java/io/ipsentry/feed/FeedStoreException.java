package io.ipsentry.feed;

import org.jspecify.annotations.Nullable;

/** What is kept of feeds cannot be reached or written; it is tried again. */
public final class FeedStoreException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public FeedStoreException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
