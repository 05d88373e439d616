package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Finds what can have no effect when gateways are served. */
final class AuthzChecks {
  /** A wider network stands for anybody. */
  private static final int MIN_NETWORK_BITS = 8;

  private final Section section;
  private final AuthzConfig authz;

  AuthzChecks(Section section, AuthzConfig authz) {
    this.section = section;
    this.authz = authz;
  }

  /**
   * Reports what is wrong.
   *
   * @param inline the rules that judge requests
   * @param accessLogs whether a source takes what gateways send to the access-log service
   */
  void check(List<Rule> inline, boolean accessLogs) {
    if (!section.has("listen") && !section.has("http")) {
      section
          .whole()
          .error(
              "serves nobody",
              "write listen: \":9001\" for Envoy, or http: \":9002\" for other gateways");
    }
    checkCallers(inline, accessLogs);
    checkPeers();
    checkUnused(inline);
    checkScopes(inline);
  }

  private void checkCallers(List<Rule> inline, boolean accessLogs) {
    boolean namesCertificates = authz.callers().stream().anyMatch(c -> !c.names().isEmpty());
    boolean hasCa = authz.tls().flatMap(TlsConfig::clientCa).isPresent();
    boolean tlsMistaken = section.has("tls") && authz.tls().isEmpty();
    if (namesCertificates && !hasCa && !tlsMistaken) {
      section
          .get("callers")
          .orElseThrow()
          .error(
              "names certificates, but no gateway is asked for one",
              "add clientCa to tls: who may sign them");
    }
    boolean countable = accessLogs || !inline.isEmpty();
    if (!section.has("callers") && countable) {
      List<String> idle = new ArrayList<>();
      if (!inline.isEmpty()) {
        idle.add("the rule " + inline.get(0).id().name() + " counts no request");
      }
      if (accessLogs) {
        idle.add("no entry of the access-log service counts");
      }
      section
          .whole()
          .warn(
              "names no callers, so " + String.join(" and ", idle),
              "write callers: 127.0.0.1, or the addresses of your gateways");
    }
  }

  /** Over HTTP the source of the packets is the gateway, so it must be one that is passed over. */
  private void checkPeers() {
    if (!section.has("http")) {
      return;
    }
    PolicyConfig policy = authz.policy();
    if (policy.client().from() == ClientConfig.From.PEER && !section.has("listen")) {
      section
          .get("client")
          .ifPresent(client ->
              client.warn(
                  "is the gateway itself for whoever asks over HTTP, so all clients are one",
                  "write auto"));
      return;
    }
    boolean internalPasses = policy.client().from() == ClientConfig.From.AUTO;
    PrefixSet trusted = policy.trustedProxies().prefixes();
    PrefixSet passed = internalPasses ? trusted.union(ReservedPrefixes.ALL) : trusted;
    authz.callers().stream()
        .flatMap(caller -> caller.networks().prefixes().stream())
        .filter(network -> network.bits() >= MIN_NETWORK_BITS && !passed.overlaps(network))
        .findFirst()
        .ifPresent(network ->
            section
                .get("callers")
                .orElseThrow()
                .warn(
                    "has "
                        + network
                        + ", which is no trusted proxy: a gateway there that asks over HTTP is"
                        + " taken for the client itself",
                    "add it to trustedProxies"));
  }

  private void checkUnused(List<Rule> inline) {
    List<PolicyConfig> policies = new ArrayList<>(authz.policies().values());
    policies.add(authz.policy());
    if (policies.stream().anyMatch(policy -> policy.rules().isEmpty())) {
      return;
    }
    Set<RuleId> used = new HashSet<>();
    policies.forEach(policy -> used.addAll(policy.rules().orElseThrow()));
    Optional<Rule> unused = inline.stream().filter(rule -> !used.contains(rule.id())).findFirst();
    unused.ifPresent(rule ->
        section
            .whole()
            .warn(
                "no policy has the rule " + rule.id().name() + ", so it judges nothing",
                "add it to rules of a policy, or remove it"));
  }

  private void checkScopes(List<Rule> inline) {
    Optional<Value> policies = section.get("policies");
    for (PolicyConfig policy : authz.policies().values()) {
      boolean bans = policy.rules().map(rules -> !rules.isEmpty()).orElse(!inline.isEmpty());
      if (policy.scoped() && !bans) {
        policies
            .flatMap(value -> value.child(policy.name()))
            .flatMap(value -> value.child("scoped"))
            .ifPresent(value ->
                value.warn(
                    "does nothing, because the policy has no inline rule that could ban",
                    "remove it"));
      }
    }
  }
}
