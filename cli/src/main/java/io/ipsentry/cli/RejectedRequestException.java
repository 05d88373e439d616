package io.ipsentry.cli;

/** A running instance does not take a request; the message names each field and how to mend it. */
final class RejectedRequestException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  RejectedRequestException(String message, Throwable cause) {
    super(message, cause);
  }
}
