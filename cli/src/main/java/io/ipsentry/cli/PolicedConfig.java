package io.ipsentry.cli;

import io.ipsentry.config.Config;
import io.ipsentry.config.PolicyOverlay;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The configuration of the file with the policies that the leader of a cluster tells. A policy that
 * is of no use with the file at hand is left out. Safe for any thread.
 */
final class PolicedConfig {
  private static final Logger logger = LoggerFactory.getLogger(PolicedConfig.class);

  private final Consumer<Config> listener;
  private Config base;
  private Map<String, String> policies = Map.of();
  private volatile PolicyOverlay overlay;

  /**
   * @param listener is told what is in force now, one call at a time
   */
  PolicedConfig(Config base, Consumer<Config> listener) {
    this.base = base;
    this.listener = listener;
    overlay = PolicyOverlay.of(base, Map.of());
  }

  /** That of the file. */
  synchronized Config base() {
    return base;
  }

  /** The file was read again. */
  synchronized void base(Config now) {
    base = now;
    apply();
  }

  /** The leader tells others, documents by their names. */
  synchronized void policies(Map<String, String> now) {
    policies = Map.copyOf(now);
    apply();
    logger.atInfo().addKeyValue("policies", policies.keySet()).log("policies of the cluster");
  }

  private void apply() {
    PolicyOverlay now = PolicyOverlay.of(base, policies);
    Map<String, String> before = overlay.refused();
    Map<String, String> worse = new HashMap<>(now.refused());
    worse.keySet().removeAll(before.keySet());
    worse.forEach((name, why) ->
        logger
            .atWarn()
            .addKeyValue("policy", name)
            .addKeyValue("cause", why)
            .log("a policy of the cluster cannot be used here; the default one judges"));
    overlay = now;
    listener.accept(now.config());
  }

  /** Policies that the leader tells and that are in force. */
  synchronized int inForce() {
    return policies.size() - overlay.refused().size();
  }

  /** Policies that the leader tells and that cannot be used here. */
  int refused() {
    return overlay.refused().size();
  }
}
