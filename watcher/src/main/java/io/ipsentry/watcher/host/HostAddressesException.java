package io.ipsentry.watcher.host;

/**
 * The addresses of the host cannot be read. May pass, for example when an interface just went away.
 */
public final class HostAddressesException extends RuntimeException {
  public HostAddressesException(String message, Throwable cause) {
    super(message, cause);
  }
}
