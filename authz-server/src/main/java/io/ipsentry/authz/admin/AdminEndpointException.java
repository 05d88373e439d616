package io.ipsentry.authz.admin;

/** A file that a client of the admin API needs cannot be used; the message says how to mend it. */
public final class AdminEndpointException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  AdminEndpointException(String message) {
    super(message);
  }

  AdminEndpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
