package io.ipsentry.ban;

/**
 * A line that is no ban event, with what is wrong and where.
 *
 * <p>Means that the log is damaged or was written by a newer ip-sentry; reading on would give a
 * wrong state, so nobody should.
 */
public final class InvalidEventException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  InvalidEventException(String what) {
    super("not a ban event: " + what);
  }

  InvalidEventException(String what, Throwable cause) {
    super("not a ban event: " + what, cause);
  }
}
