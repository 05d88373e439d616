package io.ipsentry.cli;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.config.Config;
import io.ipsentry.config.PolicyOverlay;
import io.ipsentry.net.PrefixSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The configuration of the file with the policies that the leader of a cluster tells, and with the
 * networks of proxies as feeds have them. A policy that is of no use with the file at hand is left
 * out. Safe for any thread.
 */
final class PolicedConfig {
  private static final Logger logger = LoggerFactory.getLogger(PolicedConfig.class);

  private final Consumer<Config> listener;
  private Config base;
  private Map<String, String> policies = Map.of();
  private List<Part> ranges;
  private Map<String, PrefixSet> networks;
  private volatile PolicyOverlay overlay;

  /**
   * @param listener is told what is in force now, one call at a time
   */
  PolicedConfig(Config base, Consumer<Config> listener) {
    this(base, List.of(), listener);
  }

  /**
   * @param ranges as of {@link #ranges}
   */
  PolicedConfig(Config base, List<Part> ranges, Consumer<Config> listener) {
    this.base = base;
    this.listener = listener;
    this.ranges = List.copyOf(ranges);
    networks = CdnRanges.networks(base.feeds(), ranges);
    overlay = PolicyOverlay.of(base, Map.of());
  }

  /** That of the file. */
  synchronized Config base() {
    return base;
  }

  /** The file was read again. */
  synchronized void base(Config now) {
    base = now;
    networks = CdnRanges.networks(now.feeds(), ranges);
    apply();
  }

  /** The leader tells others, documents by their names. */
  synchronized void policies(Map<String, String> now) {
    policies = Map.copyOf(now);
    apply();
    logger.atInfo().addKeyValue("policies", policies.keySet()).log("policies of the cluster");
  }

  /**
   * Feeds say what they protect now.
   *
   * @param parts among others, those of CDNs
   */
  synchronized void ranges(List<Part> parts) {
    ranges = List.copyOf(parts);
    Map<String, PrefixSet> now = CdnRanges.networks(base.feeds(), ranges);
    if (!now.equals(networks)) {
      networks = now;
      apply();
      logger.atInfo().addKeyValue("networks", now.keySet()).log("networks of proxies are others");
    }
  }

  /** What is in force: policies and networks over the file. */
  synchronized Config now() {
    return overlay.config().withNetworks(networks);
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
    listener.accept(now.config().withNetworks(networks));
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
