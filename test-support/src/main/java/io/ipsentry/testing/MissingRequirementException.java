package io.ipsentry.testing;

/** A part that a test needs is missing where nothing may be missing. */
final class MissingRequirementException extends RuntimeException {
  MissingRequirementException(String message) {
    super(message);
  }
}
