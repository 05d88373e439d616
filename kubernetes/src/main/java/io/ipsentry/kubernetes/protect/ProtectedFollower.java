package io.ipsentry.kubernetes.protect;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.kubernetes.api.ConfigMapFollower;
import io.ipsentry.kubernetes.api.ConfigMaps;
import java.util.List;
import java.util.function.Consumer;

/**
 * Follows what the leader found must never be banned. While the API server is away, and while the
 * ConfigMap is gone or damaged, what was known last stays: protection is given up only for other
 * protection. Safe for any thread.
 */
public final class ProtectedFollower implements AutoCloseable {
  private final ConfigMapFollower<List<Part>> follower;

  private ProtectedFollower(ConfigMapFollower<List<Part>> follower) {
    this.follower = follower;
  }

  /**
   * Begins to follow.
   *
   * @param release full name of the release
   * @param listener is told of every change of {@link #parts}, on a thread of this
   */
  public static ProtectedFollower start(
      ConfigMaps api, String release, Consumer<List<Part>> listener) {
    ProtectedConfigMap map = new ProtectedConfigMap(api, release);
    return new ProtectedFollower(
        ConfigMapFollower.start(
            api,
            new ConfigMapFollower.Followed<>(
                map.name(), map.selector(), stored -> List.copyOf(map.read(stored)), List.of()),
            listener));
  }

  /** What is protected, as far as is known; nothing before it was read once. */
  public List<Part> parts() {
    return follower.known();
  }

  /** Whether it was looked at once: there may have been none. */
  public boolean isRead() {
    return follower.isRead();
  }

  /** Why it is not followed at the moment; empty: it is. */
  public String problem() {
    return follower.problem();
  }

  @Override
  public void close() {
    follower.close();
  }
}
