package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How requests of one attachment (a gateway, a route) are judged.
 *
 * @param name as attachments name it; empty: the default policy
 * @param client which address is the client
 * @param clientHeader for {@link ClientConfig.From#HEADER}: its name, in lower case; else empty
 * @param trustedProxies whose forwarding headers are believed
 * @param seenAs provenance of the client where it is not to be derived; null: derived
 * @param mode {@link Rule.Mode#SHADOW}: nobody is refused
 * @param scoped whether bans that its inline rules make hold for this policy only
 * @param rules inline rules that judge; no list: all; an empty list: none, only bans count
 * @param denial what a refused client gets
 * @param overrides what it changes of those rules, and what it passes over
 */
public record PolicyConfig(
    String name,
    ClientConfig client,
    String clientHeader,
    TrustedProxies trustedProxies,
    @Nullable SeenAs seenAs,
    Rule.Mode mode,
    boolean scoped,
    Optional<List<RuleId>> rules,
    DenialConfig denial,
    PolicyOverrides overrides) {
  public PolicyConfig {
    rules = rules.map(List::copyOf);
  }

  /** A policy that takes the rules as they are. */
  public PolicyConfig(
      String name,
      ClientConfig client,
      String clientHeader,
      TrustedProxies trustedProxies,
      @Nullable SeenAs seenAs,
      Rule.Mode mode,
      boolean scoped,
      Optional<List<RuleId>> rules,
      DenialConfig denial) {
    this(
        name,
        client,
        clientHeader,
        trustedProxies,
        seenAs,
        mode,
        scoped,
        rules,
        denial,
        PolicyOverrides.NONE);
  }

  /** The same, where names of networks mean further prefixes too. */
  PolicyConfig withNetworks(Map<String, PrefixSet> networks) {
    return new PolicyConfig(
        name,
        client,
        clientHeader,
        trustedProxies.with(networks),
        seenAs,
        mode,
        scoped,
        rules,
        denial,
        overrides);
  }
}
