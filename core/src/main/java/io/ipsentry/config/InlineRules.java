package io.ipsentry.config;

import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Match;
import io.ipsentry.rule.PathPattern;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The rules that judge requests, for each policy.
 *
 * <p>A policy that changes the thresholds has copies of its own, too, and one that has packs or
 * paths that are exempt a rule for them, whose bans hold wherever those of its other rules do. A
 * policy that is scoped has copies of its own, named {@code RULE@POLICY}, whose hits and bans are
 * apart from everybody else's. Other policies in shadow mode share copies, {@code RULE@(shadow)},
 * of the rules that are enforced elsewhere; those are in shadow mode.
 */
public final class InlineRules {
  private static final String SHADOW = "(shadow)";

  /** Names of the rules that a policy itself brings, before its own. */
  private static final String PACKS = "policy-packs";

  private static final String EXEMPT = "policy-exempt";

  /** Hits of a policy's packs that ban, where the policy does not say. */
  private static final int PACKS_THRESHOLD = 3;

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

  /**
   * The rules that judge the requests of a policy, in the order of the configuration; behind them
   * those of its own.
   */
  public static List<Rule> of(Config config, PolicyConfig policy) {
    PolicyOverrides overrides = policy.overrides();
    if (overrides.off()) {
      return List.of();
    }
    List<Rule> all = new ArrayList<>();
    for (Rule rule : config.rules()) {
      boolean named = policy.rules().isEmpty() || policy.rules().get().contains(rule.id());
      if (rule.on() == Rule.On.REQUEST && named) {
        all.add(
            overrides.thresholds().isUnchanged()
                ? of(policy, rule)
                : own(policy, changed(rule, overrides.thresholds())));
      }
    }
    overrides
        .packs()
        .ifPresent(match -> all.add(own(policy, changed(packs(match), overrides.thresholds()))));
    if (!overrides.exemptPaths().isEmpty()) {
      all.add(exempt(policy, overrides.exemptPaths()));
    }
    return List.copyOf(all);
  }

  private static Rule packs(Match match) {
    return new Rule(
        new RuleId(PACKS),
        Rule.On.REQUEST,
        Rule.Mode.ENFORCE,
        match,
        Ignore.NOTHING,
        PACKS_THRESHOLD,
        0,
        RuleReader.DEFAULT_WINDOW,
        BanTerms.DEFAULT);
  }

  /** Never a hit: it only lets pass, in shadow mode too. */
  private static Rule exempt(PolicyConfig policy, List<String> paths) {
    Match match =
        Match.ofPaths(
            paths.stream()
                .map(path -> new PathPattern(path, PathPattern.Mode.ALLOW, null))
                .toList());
    return new Rule(
        new RuleId(EXEMPT).in(policy.name()),
        Rule.On.REQUEST,
        Rule.Mode.ENFORCE,
        match,
        Ignore.NOTHING,
        1,
        0,
        RuleReader.DEFAULT_WINDOW,
        BanTerms.DEFAULT);
  }

  private static Rule changed(Rule rule, PolicyOverrides.Thresholds to) {
    return new Rule(
        rule.id(),
        rule.on(),
        rule.mode(),
        rule.match(),
        rule.ignore(),
        Objects.requireNonNullElse(to.threshold(), rule.threshold()),
        Objects.requireNonNullElse(to.distinct(), rule.distinct()),
        Objects.requireNonNullElse(to.window(), rule.window()),
        Objects.requireNonNullElse(to.ban(), rule.ban()));
  }

  /** A rule that no other policy has, so that its windows are apart, whatever its bans hold for. */
  private static Rule own(PolicyConfig policy, Rule rule) {
    boolean shadow = policy.mode() == Rule.Mode.SHADOW || rule.mode() == Rule.Mode.SHADOW;
    String unscoped = policy.mode() == Rule.Mode.SHADOW ? SHADOW : null;
    return new Rule(
        rule.id().in(policy.name()),
        rule.on(),
        shadow ? Rule.Mode.SHADOW : Rule.Mode.ENFORCE,
        rule.match(),
        rule.ignore(),
        rule.threshold(),
        rule.distinct(),
        rule.window(),
        rule.ban(),
        policy.scoped() ? policy.name() : unscoped);
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
