package io.ipsentry.cli.demo;

/** The stage could not be built; the message says what is missing and how to mend it. */
public final class DemoException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Without a cause. */
  public DemoException(String message) {
    super(message);
  }

  /** With a cause. */
  public DemoException(String message, Throwable cause) {
    super(message, cause);
  }
}
