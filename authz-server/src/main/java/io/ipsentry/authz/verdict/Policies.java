package io.ipsentry.authz.verdict;

import io.ipsentry.config.AuthzConfig;
import io.ipsentry.config.ClientConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.DenialConfig;
import io.ipsentry.config.InlineRules;
import io.ipsentry.config.PolicyConfig;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.Slice;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The policies of a configuration, compiled: how requests of each attachment are judged. Immutable;
 * safe for any thread. A new configuration makes new ones.
 */
public final class Policies {
  private final List<Policy> all;
  private final Set<String> clientHeaders;
  private final int denialsLoggedPerSecond;

  private Policies(List<Policy> all, int denialsLoggedPerSecond) {
    this.all = List.copyOf(all);
    this.denialsLoggedPerSecond = denialsLoggedPerSecond;
    this.clientHeaders =
        all.stream()
            .map(Policy::clientHeader)
            .filter(name -> !name.isEmpty())
            .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Compiles the policies; a configuration without {@code authz} has a default one that judges by
   * all inline rules.
   */
  public static Policies compile(Config config) {
    Map<List<Rule>, RuleSet> compiled = new HashMap<>();
    List<Policy> all = new ArrayList<>();
    PolicyConfig byDefault =
        config.authz().map(AuthzConfig::policy).orElseGet(() -> withoutAuthz(config));
    all.add(compile(config, byDefault, compiled));
    config
        .authz()
        .ifPresent(
            authz -> authz.policies().values().forEach(p -> all.add(compile(config, p, compiled))));
    return new Policies(
        all,
        config
            .authz()
            .map(AuthzConfig::denialsLoggedPerSecond)
            .orElse(AuthzConfig.DEFAULT_DENIALS_LOGGED_PER_SECOND));
  }

  private static PolicyConfig withoutAuthz(Config config) {
    return new PolicyConfig(
        "",
        ClientConfig.AUTO,
        "",
        config.trustedProxies(),
        null,
        Rule.Mode.ENFORCE,
        false,
        Optional.empty(),
        DenialConfig.DEFAULT);
  }

  private static Policy compile(
      Config config, PolicyConfig policy, Map<List<Rule>, RuleSet> compiled) {
    ClientAddressResolver.Mode mode =
        switch (policy.client().from()) {
          case AUTO -> ClientAddressResolver.Mode.AUTO;
          case PEER -> ClientAddressResolver.Mode.PEER;
          case HEADER -> ClientAddressResolver.Mode.HEADER;
          case X_FORWARDED_FOR -> ClientAddressResolver.Mode.X_FORWARDED_FOR;
        };
    return new Policy(
        policy.name(),
        policy.name().isEmpty() ? null : policy.name(),
        InlineRules.shadowScope(policy),
        policy.mode() == Rule.Mode.SHADOW,
        new ClientAddressResolver.Settings(
            mode,
            policy.trustedProxies().prefixes(),
            policy.client().trustedHops(),
            policy.seenAs()),
        policy.clientHeader(),
        compiled.computeIfAbsent(InlineRules.of(config, policy), RuleSet::compile),
        new DenialTemplate(policy.denial()),
        policy.overrides().off(),
        policy.overrides().exemptAddresses());
  }

  /** Their names; the default policy's is empty and comes first. */
  public List<String> names() {
    return all.stream().map(Policy::name).toList();
  }

  List<Policy> all() {
    return all;
  }

  /** Place of a policy in {@link #all}: 0 for the default one, -1 for an unknown name. */
  int find(Slice name) {
    if (name.isEmpty()) {
      return 0;
    }
    for (int i = 1; i < all.size(); i++) {
      if (name.equalsAscii(all.get(i).name())) {
        return i;
      }
    }
    return -1;
  }

  /** Every header that some policy takes the client's address from, in lower case. */
  public Set<String> clientHeaders() {
    return clientHeaders;
  }

  int denialsLoggedPerSecond() {
    return denialsLoggedPerSecond;
  }
}
