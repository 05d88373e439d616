package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import io.ipsentry.rule.Rule;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything a configuration file says, checked: what is here can be used without looking twice.
 *
 * <p>List files and packs are already read into it. Immutable; safe for any thread.
 *
 * @param sources where lines come from, in the order of the file; names are unique
 * @param rules what is a hit and when hits ban, in the order of the file; names are unique
 * @param neverBan addresses that are never banned; their hits do not count
 * @param allow addresses that pass every check, inline ones too, and are never banned
 * @param alwaysBan addresses that are banned without a hit, as long as they are listed
 * @param protectPrivate whether private networks are never banned
 * @param trustedProxies whose forwarding headers are believed, where a source does not say
 *     otherwise
 * @param limits bounds of what detection may cost and do
 * @param store the embedded ban log
 * @param admin how the operator commands reach a running instance
 * @param metrics where metrics and health are served; empty: nowhere
 * @param ipv6 how IPv6 addresses are counted and banned
 * @param authz what gateways are served and how; empty: none is
 * @param enforcer how {@code run} enforces bans in the kernel of this host; empty: it does not
 * @param sinks systems outside that are told of bans, in the order of the file; names are unique
 * @param feeds lists of addresses that others keep, in the order of the file; names are unique
 */
public record Config(
    List<SourceConfig> sources,
    List<Rule> rules,
    PrefixSet neverBan,
    PrefixSet allow,
    PrefixSet alwaysBan,
    boolean protectPrivate,
    TrustedProxies trustedProxies,
    LimitsConfig limits,
    StoreConfig store,
    AdminConfig admin,
    Optional<ListenAddress> metrics,
    Ipv6Config ipv6,
    Optional<AuthzConfig> authz,
    Optional<EnforcerConfig> enforcer,
    List<SinkConfig> sinks,
    List<FeedConfig> feeds) {

  public Config {
    sources = List.copyOf(sources);
    rules = List.copyOf(rules);
    sinks = List.copyOf(sinks);
    feeds = List.copyOf(feeds);
  }

  /**
   * The shipped configuration: no sources; the rules {@code probing} (the pack {@code default}, 3
   * hits or 2 different patterns within 2 minutes, 24 hours) and {@code logins} (5 failed logins
   * within 10 minutes, 1 hour).
   */
  public static Config defaults() {
    return ConfigLoader.shipped();
  }

  /** The same with only those sources that a process of this kind reads. */
  public Config readBy(SourceConfig.Reader reader) {
    return new Config(
        sources.stream().filter(source -> source.reader() == reader).toList(),
        rules,
        neverBan,
        allow,
        alwaysBan,
        protectPrivate,
        trustedProxies,
        limits,
        store,
        admin,
        metrics,
        ipv6,
        authz,
        enforcer,
        sinks,
        feeds);
  }

  /** The same with another section for gateways. */
  Config with(AuthzConfig other) {
    return new Config(
        sources,
        rules,
        neverBan,
        allow,
        alwaysBan,
        protectPrivate,
        trustedProxies,
        limits,
        store,
        admin,
        metrics,
        ipv6,
        Optional.of(other),
        enforcer,
        sinks,
        feeds);
  }

  /**
   * The same, where the name of a network in a list of trusted proxies means further prefixes too.
   *
   * @param networks prefixes by name, such as {@code cloudflare}
   */
  public Config withNetworks(Map<String, PrefixSet> networks) {
    if (networks.isEmpty()) {
      return this;
    }
    return new Config(
        sources.stream().map(source -> source.withNetworks(networks)).toList(),
        rules,
        neverBan,
        allow,
        alwaysBan,
        protectPrivate,
        trustedProxies.with(networks),
        limits,
        store,
        admin,
        metrics,
        ipv6,
        authz.map(servers -> servers.withNetworks(networks)),
        enforcer,
        sinks,
        feeds);
  }

  /**
   * Every address that must never be banned, as far as the configuration knows: the reserved
   * ranges, {@code neverBan}, {@code allow}, and the trusted proxies that were given as prefixes or
   * as a named CDN. The host's own addresses come on top of it.
   */
  public PrefixSet protectedPrefixes() {
    PrefixSet all =
        ReservedPrefixes.protectedPrefixes(protectPrivate)
            .union(neverBan)
            .union(allow)
            .union(trustedProxies.neverBanned());
    for (SourceConfig source : sources) {
      all = all.union(source.trustedProxies().neverBanned());
    }
    if (authz.isPresent()) {
      all = all.union(authz.get().policy().trustedProxies().neverBanned());
      for (PolicyConfig policy : authz.get().policies().values()) {
        all = all.union(policy.trustedProxies().neverBanned());
      }
    }
    return all;
  }
}
