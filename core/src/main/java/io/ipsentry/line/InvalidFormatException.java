package io.ipsentry.line;

/**
 * A format of a source that cannot be used: an unknown name, or an expression that cannot serve.
 */
public final class InvalidFormatException extends IllegalArgumentException {
  InvalidFormatException(String message) {
    super(message);
  }

  InvalidFormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
