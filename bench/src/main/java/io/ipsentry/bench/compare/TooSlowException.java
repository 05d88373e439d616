package io.ipsentry.bench.compare;

/** Something runs, but has not come as far as it should in the time that it was given. */
final class TooSlowException extends RuntimeException {
  private static final long serialVersionUID = 1;

  TooSlowException(String what) {
    super(what);
  }
}
