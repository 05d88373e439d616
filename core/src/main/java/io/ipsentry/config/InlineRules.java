package io.ipsentry.config;

import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The rules that judge requests, for each policy.
 *
 * <p>A policy that is scoped has copies of its own, named {@code RULE@POLICY}, whose hits and bans
 * are apart from everybody else's. Other policies in shadow mode share copies, {@code
 * RULE@(shadow)}, of the rules that are enforced elsewhere; those are in shadow mode.
 */
public final class InlineRules {
  private static final String SHADOW = "(shadow)";

  private InlineRules() {}

  /**
   * Scope of the shadow bans that concern a policy's requests beside those that hold everywhere.
   *
   * @return null: none
   */
  public static @Nullable String shadowScope(PolicyConfig policy) {
    if (!policy.scoped() && policy.mode() == Rule.Mode.SHADOW) {
      return SHADOW;
    }
    return policy.name().isEmpty() ? null : policy.name();
  }

  /** The rules that judge the requests of a policy, in the order of the configuration. */
  public static List<Rule> of(Config config, PolicyConfig policy) {
    return config.rules().stream()
        .filter(rule -> rule.on() == Rule.On.REQUEST)
        .filter(rule -> policy.rules().isEmpty() || policy.rules().get().contains(rule.id()))
        .map(rule -> of(policy, rule))
        .toList();
  }

  private static Rule of(PolicyConfig policy, Rule rule) {
    boolean shadow = policy.mode() == Rule.Mode.SHADOW && rule.mode() == Rule.Mode.ENFORCE;
    if (policy.scoped() && !policy.name().isEmpty()) {
      Rule own = rule.in(policy.name());
      return shadow ? own.shadowed() : own;
    }
    return shadow ? rule.in(SHADOW).shadowed() : rule;
  }

  /**
   * The rules that judge the requests of all policies, each once, in the order of the configuration
   * and then of the names of the policies; without {@code authz}, all that judge requests.
   */
  public static List<Rule> of(Config config) {
    if (config.authz().isEmpty()) {
      return config.rules().stream().filter(rule -> rule.on() == Rule.On.REQUEST).toList();
    }
    AuthzConfig authz = config.authz().get();
    Map<RuleId, Rule> all = new LinkedHashMap<>();
    of(config, authz.policy()).forEach(rule -> all.put(rule.id(), rule));
    authz.policies().values().stream()
        .sorted(Comparator.comparing(PolicyConfig::name))
        .flatMap(policy -> of(config, policy).stream())
        .forEach(rule -> all.putIfAbsent(rule.id(), rule));
    return List.copyOf(all.values());
  }
}
