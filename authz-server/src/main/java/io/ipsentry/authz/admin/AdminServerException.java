package io.ipsentry.authz.admin;

/** The admin server cannot start; the message says what, where and how to mend it. */
public final class AdminServerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  AdminServerException(String message) {
    super(message);
  }

  AdminServerException(String message, Throwable cause) {
    super(message, cause);
  }
}
