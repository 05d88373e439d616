package io.ipsentry.kubernetes.sink;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The positions of sinks outside of the cluster, in the ConfigMap {@code R-sinks}: a key for each
 * sink, {@code POSITION} or {@code POSITION STATE}. One sink's is changed only if it is still as it
 * was read, so that of two leaders the later one notices; other sinks' changes do not disturb. Safe
 * for any thread.
 */
public final class StoredSinkPositions {
  /** Most bytes of a state. */
  public static final int MAX_STATE_BYTES = 4_096;

  /** Most sinks. */
  public static final int MAX_SINKS = 64;

  /** Changes of other sinks that come in between, each time. */
  private static final int MAX_ATTEMPTS = 10;

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private final ConfigMaps api;
  private final String release;

  /**
   * How far a sink is.
   *
   * @param seq number of the last event that it has taken; 0: none
   * @param state what else it has to remember, at most {@value #MAX_STATE_BYTES} bytes; may be
   *     empty
   */
  public record Position(long seq, String state) {
    /** Of a sink that has taken nothing. */
    public static final Position START = new Position(0, "");

    public Position {
      if (seq < 0) {
        throw new IllegalArgumentException("a position is 0 or more, is " + seq);
      }
      if (state.getBytes(StandardCharsets.UTF_8).length > MAX_STATE_BYTES) {
        throw new IllegalArgumentException("a state has at most " + MAX_STATE_BYTES + " bytes");
      }
    }
  }

  /**
   * @param release full name of the release
   */
  public StoredSinkPositions(ConfigMaps api, String release) {
    this.api = api;
    this.release = release;
  }

  private String name() {
    return release + "-sinks";
  }

  /**
   * How far a sink is; {@link Position#START} for one that is not known.
   *
   * @throws ApiServerException if the API server fails, or what is stored is no position
   */
  public Position get(String sink) {
    check(sink);
    return api.get(name()).map(map -> read(map, sink)).orElse(Position.START);
  }

  /**
   * Moves a sink, if it is still where the caller thinks; durable when it returns.
   *
   * @return whether it did
   * @throws ApiServerException if the API server fails; with {@code UNAVAILABLE} it may have moved
   */
  public boolean move(String sink, Position expected, Position next) {
    check(sink);
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      Optional<StoredConfigMap> stored = api.get(name());
      Position now = stored.map(map -> read(map, sink)).orElse(Position.START);
      if (!now.equals(expected)) {
        return false;
      }
      Map<String, String> data = new HashMap<>(stored.map(StoredConfigMap::data).orElse(Map.of()));
      data.put(sink, write(next));
      if (data.size() > MAX_SINKS) {
        throw new ApiServerException(
            Reason.REFUSED,
            "the ConfigMap "
                + name()
                + " holds more than "
                + MAX_SINKS
                + " sinks; remove those that are no more",
            null);
      }
      try {
        store(stored, data);
        return true;
      } catch (ApiServerException e) {
        if (e.reason() != Reason.CONFLICT && e.reason() != Reason.EXISTS) {
          throw e;
        }
        // Another sink, or another leader: the next look tells.
      }
    }
    throw new ApiServerException(
        Reason.CONFLICT, "the ConfigMap " + name() + " is changed all the time", null);
  }

  private void store(Optional<StoredConfigMap> stored, Map<String, String> data) {
    StoredConfigMap ignored =
        stored.isPresent()
            ? api.replace(stored.get().withData(data))
            : api.create(
                StoredConfigMap.of(
                    name(),
                    Map.of(
                        "app.kubernetes.io/managed-by",
                        "ip-sentry",
                        "ip-sentry.io/log",
                        release,
                        "ip-sentry.io/part",
                        "sinks"),
                    data,
                    Map.of(),
                    false));
  }

  private static void check(String sink) {
    if (!NAME.matcher(sink).matches()) {
      throw new IllegalArgumentException("not the name of a sink: " + sink);
    }
  }

  private static String write(Position position) {
    return position.state().isEmpty()
        ? String.valueOf(position.seq())
        : position.seq() + " " + position.state();
  }

  private Position read(StoredConfigMap map, String sink) {
    String text = map.text(sink);
    if (text.isEmpty()) {
      return Position.START;
    }
    int blank = text.indexOf(' ');
    try {
      return blank < 0
          ? new Position(Long.parseLong(text), "")
          : new Position(Long.parseLong(text.substring(0, blank)), text.substring(blank + 1));
    } catch (IllegalArgumentException e) {
      throw new ApiServerException(
          Reason.REFUSED,
          "the ConfigMap "
              + name()
              + " has no position under "
              + sink
              + "; remove that key, and the sink begins anew",
          e);
    }
  }
}
