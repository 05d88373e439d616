package io.ipsentry.cli;

import io.grpc.Channel;
import io.ipsentry.authz.verdict.BanState;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.banlog.FollowedLog;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What a process that keeps no log knows of one: the bans, and what comes with them. Opening it
 * connects to nothing; {@link #follow} does. Safe for any thread.
 */
interface FollowedState extends BanState, AutoCloseable {
  /**
   * Begins to follow; to be called once, before anything else but {@link #bans} and the channel.
   *
   * @param listener is told what changes of the bans
   * @param sparedChanged called when {@link #feeds} or {@link #protectedParts} have changed
   */
  void follow(FollowedLog.Listener listener, Runnable sparedChanged);

  /**
   * Begins to follow the policies that others tell, where there are any.
   *
   * @param listener is told of every change, documents by the names of policies
   */
  default void followPolicies(Consumer<Map<String, String>> listener) {}

  /** The bans, as they are followed. */
  FollowedLog log();

  /** Leads to whoever counts hits. */
  Channel hits();

  /** Lets the next call of {@link #hits} connect at once. */
  void connectNow();

  /** What others found must never be banned, beside what is found here. */
  List<Part> protectedParts();

  /** Why it does not know all that it must; empty: it does. */
  List<String> reasonsNotReady();

  /** Of the log, and of what comes with it. */
  List<MetricSnapshot> metrics();

  @Override
  ActiveBans bans();

  @Override
  default boolean isSynced() {
    return log().isSynced();
  }

  @Override
  default Duration age() {
    return log().age();
  }

  @Override
  void close();
}
