package io.ipsentry.line;

/**
 * Makes one hit of one failed login, although sshd writes several lines about it.
 *
 * <p>Lines belong together when they have the same process id and address. What they mean:
 *
 * <ul>
 *   <li><em>early</em> lines ({@code Invalid user}, {@code User … not allowed}, {@code error: PAM})
 *       tell of an attempt whose {@code Failed} line is still to come: they count, and that line
 *       does not;
 *   <li><em>failed</em> lines count, save the one that an early line announced;
 *   <li><em>closing</em> lines count only if nothing has counted on the connection: a client that
 *       offers keys and leaves shows no other line.
 * </ul>
 *
 * <p>Bounded: {@value #CONNECTIONS} connections, and a newer one takes the place of an older one
 * with the same hash. What that can cost is one hit too many of a client that failed anyway.
 */
final class SshdAttempts {
  static final int CONNECTIONS = 1024;

  private static final byte COUNTED = 1;
  private static final byte ANNOUNCED = 2;

  private final long[] keys = new long[CONNECTIONS];
  private final byte[] states = new byte[CONNECTIONS];

  /** An early line; true when it is a hit. */
  boolean early(long connection) {
    int slot = slot(connection);
    boolean hit = (states[slot] & ANNOUNCED) == 0;
    states[slot] = COUNTED | ANNOUNCED;
    return hit;
  }

  /** A {@code Failed} line; true when it is a hit. */
  boolean failed(long connection) {
    int slot = slot(connection);
    boolean hit = (states[slot] & ANNOUNCED) == 0;
    states[slot] = COUNTED;
    return hit;
  }

  /** A line that tells why the connection ends; true when it is a hit. */
  boolean closing(long connection) {
    int slot = slot(connection);
    boolean hit = states[slot] == 0;
    states[slot] = COUNTED;
    return hit;
  }

  /** The connection is closed or has logged in: its process id may come again. */
  void forget(long connection) {
    states[slot(connection)] = 0;
  }

  private int slot(long connection) {
    int slot = (int) (connection ^ connection >>> 32) & CONNECTIONS - 1;
    if (keys[slot] != connection) {
      keys[slot] = connection;
      states[slot] = 0;
    }
    return slot;
  }
}
