package io.ipsentry.watcher.metrics;

/**
 * The port for metrics and health cannot be opened. Permanent until the address or its user
 * changes.
 */
public final class HealthServerException extends RuntimeException {
  HealthServerException(String message, Throwable cause) {
    super(message, cause);
  }
}
