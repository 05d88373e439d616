package io.ipsentry.config;

import io.ipsentry.line.RequestFacts;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleMatcher;
import io.ipsentry.rule.RuleSet;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Rules of packs for tests: one rule a pack, that sets nothing itself. */
final class PackRules {
  private PackRules() {}

  static List<Rule> rules(List<String> packs) {
    String yaml =
        packs.stream()
            .map(pack -> "  - { name: %s, match: { packs: [%<s] } }\n".formatted(pack))
            .collect(Collectors.joining("", "rules:\n", ""));
    return new ConfigLoader()
        .parse("packs", yaml.getBytes(StandardCharsets.UTF_8), Path.of("/"))
        .orThrow()
        .rules();
  }

  static RuleMatcher matcher(List<String> packs) {
    return RuleSet.compile(rules(packs)).matcher(Rule.On.LOG, null);
  }

  /** A request with the method POST, which every pack takes. */
  static RequestFacts facts(String target, String userAgent, int status) {
    RequestFacts facts = new RequestFacts();
    byte[] targetBytes = target.getBytes(StandardCharsets.UTF_8);
    facts.target().set(targetBytes, 0, targetBytes.length);
    byte[] agentBytes = userAgent.getBytes(StandardCharsets.UTF_8);
    facts.userAgent().set(agentBytes, 0, agentBytes.length);
    byte[] method = "POST".getBytes(StandardCharsets.UTF_8);
    facts.method().set(method, 0, method.length);
    facts.status(status);
    return facts;
  }

  /** The patterns that count, in the order of the rules. */
  static List<String> hits(RuleMatcher matcher, RequestFacts facts) {
    return IntStream.range(0, matcher.match(facts))
        .mapToObj(i -> matcher.pattern(i, facts))
        .toList();
  }
}
