package io.ipsentry.authz.envoy;

/** The server for Envoy cannot start; the message says what, where and how to mend it. */
public final class EnvoyServerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  EnvoyServerException(String message, Throwable cause) {
    super(message, cause);
  }
}
