package io.ipsentry.kubernetes.policy;

import io.ipsentry.kubernetes.api.ConfigMapFollower;
import io.ipsentry.kubernetes.api.ConfigMaps;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Follows the policies that the leader tells. While the API server is away, and while the ConfigMap
 * is gone, those that were known last stay. Safe for any thread.
 */
public final class PolicyFollower implements AutoCloseable {
  private final ConfigMapFollower<Map<String, String>> follower;

  private PolicyFollower(ConfigMapFollower<Map<String, String>> follower) {
    this.follower = follower;
  }

  /**
   * Begins to follow.
   *
   * @param release full name of the release
   * @param listener is told of every change, documents by the names of policies, on a thread of
   *     this
   */
  public static PolicyFollower start(
      ConfigMaps api, String release, Consumer<Map<String, String>> listener) {
    PoliciesConfigMap map = new PoliciesConfigMap(api, release);
    return new PolicyFollower(
        ConfigMapFollower.start(
            api,
            new ConfigMapFollower.Followed<>(
                map.name(), map.selector(), stored -> Map.copyOf(stored.data()), Map.of()),
            listener));
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
