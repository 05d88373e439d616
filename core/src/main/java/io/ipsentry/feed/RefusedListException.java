package io.ipsentry.feed;

import java.io.IOException;

/** None of a list may be used; the message says why. */
final class RefusedListException extends IOException {
  private static final long serialVersionUID = 1L;

  RefusedListException(String message) {
    super(message);
  }
}
