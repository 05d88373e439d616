package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The servers that answer gateways.
 *
 * @param listen for Envoy (gRPC): {@code ext_authz} and the access-log service; empty: none
 * @param http for HTTP forward-auth; empty: none
 * @param tls of both; empty: plaintext
 * @param failOpen whether the HTTP server answers 200 when it cannot judge, else 503
 * @param maxConcurrentChecks calls at once; further ones are refused at once
 * @param denialsLoggedPerSecond refusals written to the log of the process; further ones are
 *     counted
 * @param callers whose requests may become hits; empty: nobody's
 * @param policy the default policy
 * @param policies further ones by name, in the order of the file
 */
public record AuthzConfig(
    Optional<ListenAddress> listen,
    Optional<ListenAddress> http,
    Optional<TlsConfig> tls,
    boolean failOpen,
    int maxConcurrentChecks,
    int denialsLoggedPerSecond,
    List<CallerConfig> callers,
    PolicyConfig policy,
    Map<String, PolicyConfig> policies) {
  /** {@link #maxConcurrentChecks} when the configuration says nothing. */
  public static final int DEFAULT_MAX_CONCURRENT_CHECKS = 1_024;

  /** {@link #denialsLoggedPerSecond} when the configuration says nothing. */
  public static final int DEFAULT_DENIALS_LOGGED_PER_SECOND = 10;

  public AuthzConfig {
    callers = List.copyOf(callers);
    policies = Collections.unmodifiableMap(new LinkedHashMap<>(policies));
  }

  /** The same with other policies beside the default one. */
  AuthzConfig with(Map<String, PolicyConfig> others) {
    return with(policy, others);
  }

  /** The same, where names of networks mean further prefixes too. */
  AuthzConfig withNetworks(Map<String, PrefixSet> networks) {
    Map<String, PolicyConfig> others = new LinkedHashMap<>();
    policies.forEach((name, other) -> others.put(name, other.withNetworks(networks)));
    return with(policy.withNetworks(networks), others);
  }

  private AuthzConfig with(PolicyConfig byDefault, Map<String, PolicyConfig> others) {
    return new AuthzConfig(
        listen,
        http,
        tls,
        failOpen,
        maxConcurrentChecks,
        denialsLoggedPerSecond,
        callers,
        byDefault,
        others);
  }
}
