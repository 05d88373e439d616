package io.ipsentry.fail2ban;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is known of connections that several lines tell of, by {@code <F-MLFID>}.
 *
 * <p>A line adds its values to those before it. Whether a failure follows:
 *
 * <ul>
 *   <li>not while the line only prepares one ({@code <F-NOFAIL>}) or tells of success ({@code
 *       <F-MLFGAINED>}), unless a failure was waiting for an address, or the connection tried
 *       several users: then success is not believed to have been the aim;
 *   <li>not while no line has named an address: then the failure waits for one.
 * </ul>
 *
 * <p>{@code <F-MLFFORGET>} ends a connection. Bounded: {@value #MAX_CONNECTIONS} connections, the
 * one that was silent longest goes first, and any that was silent for five minutes. Confined to one
 * thread.
 */
final class Connections {
  static final int MAX_CONNECTIONS = 1_000;
  private static final long SILENCE_MILLIS = 300_000;

  /** Users of one connection that are kept: two tell as much as more. */
  private static final int MAX_USERS = 8;

  private final Map<String, Connection> byId = new LinkedHashMap<>(16, 0.75f, true);

  private static final class Connection {
    private final Map<String, String> values = new HashMap<>();
    private final Set<String> users = new HashSet<>();
    private boolean isPending;
    private long seenAt;
  }

  /**
   * Takes what a line told.
   *
   * @param line the values of its groups
   * @param atMillis when, or the lowest number when that is not known
   * @return all values of the connection when the line makes a failure; null when it makes none
   */
  @Nullable Map<String, String> take(String id, Map<String, String> line, long atMillis) {
    boolean isGain = isSet(line, "mlfgained");
    boolean isEnd = isSet(line, "mlfforget");
    Map<String, String> told = new HashMap<>(line);
    told.remove("mlfforget");
    if (isGain && !isSet(told, "nofail")) {
      told.put("nofail", "gained");
    }
    Connection connection = byId.get(id);
    if (connection != null && isOver(connection, atMillis)) {
      byId.remove(id);
      connection = null;
    }
    boolean isNew = connection == null;
    if (connection == null) {
      connection = new Connection();
      if (!isEnd) {
        add(id, connection);
      }
    } else {
      connection.values.remove("nofail");
      connection.values.remove("mlfgained");
      connection.isPending &= !isGain;
      if (isEnd) {
        byId.remove(id);
      }
    }
    String user = told.get("user");
    if (user != null
        && !user.isEmpty()
        && connection.users.size() < MAX_USERS
        && !(isNew && isEnd)) {
      connection.users.add(user);
    }
    connection.seenAt = atMillis;
    connection.values.putAll(told);
    if (connection.isPending || connection.users.size() > 1) {
      connection.isPending = false;
      connection.values.remove("nofail");
      connection.values.remove("mlfgained");
    }
    if (isSet(connection.values, "nofail")) {
      return null;
    }
    if (!namesSomebody(connection.values)) {
      connection.isPending = true;
      return null;
    }
    return Map.copyOf(connection.values);
  }

  private void add(String id, Connection connection) {
    if (byId.size() >= MAX_CONNECTIONS) {
      byId.remove(byId.keySet().iterator().next());
    }
    byId.put(id, connection);
  }

  private static boolean isOver(Connection connection, long atMillis) {
    return connection.seenAt != DateFields.NO_TIME
        && atMillis != DateFields.NO_TIME
        && atMillis - connection.seenAt > SILENCE_MILLIS;
  }

  private static boolean isSet(Map<String, String> values, String name) {
    return !values.getOrDefault(name, "").isEmpty();
  }

  private static boolean namesSomebody(Map<String, String> values) {
    return FilterFormat.identity(values) != null;
  }
}
