package io.ipsentry.config;

import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rules that judge requests, for each policy.
 *
 * <p>A policy that is scoped has copies of its own, named {@code RULE@POLICY}, whose hits and bans
 * are apart from everybody else's. So has a policy in shadow mode of the rules that are enforced
 * elsewhere, and its copies are in that mode.
 */
public final class InlineRules {
  /** What the copies of the default policy are named after, which has no name. */
  private static final String DEFAULT_POLICY = "(default)";

  private InlineRules() {}

  /** What the copies of a policy's rules are named after; the scope of its shadow bans. */
  public static String scope(PolicyConfig policy) {
    return policy.name().isEmpty() ? DEFAULT_POLICY : policy.name();
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
    boolean scoped = policy.scoped() && !policy.name().isEmpty();
    Rule own = shadow || scoped ? rule.in(scope(policy)) : rule;
    return shadow ? own.shadowed() : own;
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
