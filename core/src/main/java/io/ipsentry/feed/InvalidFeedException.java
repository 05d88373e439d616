package io.ipsentry.feed;

import org.jspecify.annotations.Nullable;

/** What is stored of a feed is not what its digest names, or is not there. */
public final class InvalidFeedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public InvalidFeedException(String message) {
    this(message, null);
  }

  public InvalidFeedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
