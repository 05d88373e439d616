package io.ipsentry.config;

/**
 * Where a server listens.
 *
 * @param host an IP address as written, without brackets, or {@code localhost}; empty: every
 *     address of the host
 * @param port 1 to 65535; 0: any free one
 */
public record ListenAddress(String host, int port) {
  /** Where metrics and health are served when the configuration says nothing. */
  public static final ListenAddress DEFAULT_METRICS = new ListenAddress("127.0.0.1", 9003);

  public ListenAddress {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port must be 0 to 65535, but is: " + port);
    }
  }

  /** Whether both cannot be listened on at once. */
  boolean collidesWith(ListenAddress other) {
    boolean sameHost = host.isEmpty() || other.host.isEmpty() || host.equals(other.host);
    return port != 0 && port == other.port && sameHost;
  }

  /** As it is written in the configuration, such as {@code [::1]:9003}. */
  @Override
  public String toString() {
    return host.indexOf(':') < 0 ? host + ":" + port : "[" + host + "]:" + port;
  }
}
