package io.ipsentry.config;

import io.ipsentry.pattern.InvalidPatternException;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A configuration with policies that do not stand in its file: each is a document with the keys of
 * {@code authz.policies.NAME}. One that is wrong is left out, and does not harm the others. They
 * come from people who may not configure this process, so none may name a file. Immutable.
 *
 * @param config the file's, with those that are in force
 * @param refused why a policy is not, by its name
 */
public record PolicyOverlay(Config config, Map<String, String> refused) {
  public PolicyOverlay {
    refused = Map.copyOf(refused);
  }

  /**
   * Reads the policies.
   *
   * @param documents YAML or JSON by name
   */
  public static PolicyOverlay of(Config base, Map<String, String> documents) {
    Map<String, String> refused = new LinkedHashMap<>();
    Optional<AuthzConfig> authz = base.authz();
    if (authz.isEmpty()) {
      documents.keySet().forEach(name -> refused.put(name, "no gateway is served (authz)"));
      return new PolicyOverlay(base, refused);
    }
    Map<String, PolicyConfig> policies = new LinkedHashMap<>(authz.get().policies());
    new TreeMap<>(documents)
        .forEach((name, document) -> {
          Problems problems = new Problems();
          Optional<PolicyConfig> policy = Optional.empty();
          if (!Names.isValid(name)) {
            problems.error(Place.file(name), "is not a name", Names.FORM);
          } else if (authz.get().policies().containsKey(name)) {
            problems.error(
                Place.file(name), "is a policy of the configuration too", "give one another name");
          } else if (policies.size() >= AuthzReader.MAX_POLICIES) {
            problems.error(
                Place.file(name),
                "is beyond the " + AuthzReader.MAX_POLICIES + " policies that there may be",
                "remove some");
          } else {
            policy = read(base, authz.get(), name, document, problems);
          }
          if (problems.errorCount() == 0 && policy.isPresent()) {
            policies.put(name, policy.get());
          } else {
            refused.put(
                name,
                problems.errors().stream()
                    .map(ConfigProblem::toString)
                    .collect(Collectors.joining("; ")));
          }
        });
    return new PolicyOverlay(base.with(authz.get().with(policies)), refused);
  }

  private static Optional<PolicyConfig> read(
      Config base, AuthzConfig authz, String name, String document, Problems problems) {
    InputFiles none = InputFiles.none(problems);
    Path nowhere = Path.of("/");
    Set<String> names = new HashSet<>();
    base.rules().forEach(rule -> names.add(rule.id().name()));
    List<Rule> inline = base.rules().stream().filter(rule -> rule.on() == Rule.On.REQUEST).toList();
    AuthzReader reader =
        new AuthzReader(
            new AddressLists(none, problems, nowhere),
            new TlsReader(none, nowhere, null),
            new SecretReader(none, nowhere),
            RuleReader.Written.of(names, base.rules()),
            inline,
            false,
            base.trustedProxies(),
            Rule.Mode.ENFORCE,
            new MatchReader(none, problems, nowhere, Set.of()));
    Optional<PolicyConfig> policy =
        YamlReader.read(name, document.getBytes(StandardCharsets.UTF_8), problems)
            .map(node -> new Value(new Place(name, node.at(), ""), node, problems))
            .flatMap(value -> reader.policy(value, authz.policy(), name, authz.http().isPresent()));
    policy.ifPresent(read -> checkRules(base, read, problems));
    return policy;
  }

  /** Rules that compile each alone may be too many together. */
  private static void checkRules(Config base, PolicyConfig policy, Problems problems) {
    if (problems.errorCount() > 0) {
      return;
    }
    try {
      var ignored = RuleSet.compile(InlineRules.of(base, policy));
    } catch (InvalidPatternException e) {
      problems.error(
          Place.file(policy.name()),
          "has expressions that cannot be used together: " + e.reason(),
          e.remedy());
    }
  }
}
