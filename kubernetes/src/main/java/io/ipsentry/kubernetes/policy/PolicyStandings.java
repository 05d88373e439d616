package io.ipsentry.kubernetes.policy;

import io.ipsentry.kubernetes.policy.AncestorStatuses.Condition;
import io.ipsentry.kubernetes.policy.AncestorStatuses.Entry;
import io.ipsentry.kubernetes.policy.PolicyMerge.Resolution;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * How it stands with each policy: what its status says for each Gateway, and what is reported.
 * Pure.
 *
 * @param cluster that was looked at
 * @param merge of it
 * @param attachments of it
 * @param refused why what holds at a point is not in force, by the name of the policy there
 * @param failed why an object could not be written
 * @param controller as statuses name it
 */
record PolicyStandings(
    ClusterView cluster,
    PolicyMerge merge,
    Attachments attachments,
    Map<String, String> refused,
    Map<AttachedObject.Key, String> failed,
    String controller) {
  /** More routes are not named in a message. */
  private static final int MAX_NAMED = 5;

  /** What became of the targets of a policy below one ancestor. */
  private static final class Below {
    final List<Point> taken = new ArrayList<>();
    final List<String> conflicts = new ArrayList<>();
    final List<String> invalid = new ArrayList<>();
    final List<String> missing = new ArrayList<>();
    final List<String> notPermitted = new ArrayList<>();
  }

  /** The entries of a policy, in order of their ancestors. */
  List<Entry> entries(BanPolicyObject policy) {
    SortedMap<Point, Below> ancestors = new TreeMap<>();
    for (Point target : policy.targets()) {
      List<GatewayObject> gateways = cluster.gatewaysOf(target);
      Resolution resolution = PolicyMerge.resolve(cluster, policy, target);
      // Of what nobody may refer to, no Gateway is told.
      List<Point> above =
          gateways.isEmpty() || resolution == Resolution.NOT_PERMITTED
              ? List.of(target.whole())
              : gateways.stream().map(GatewayObject::point).toList();
      above.forEach(ancestor ->
          sort(policy, target, resolution, ancestors.computeIfAbsent(ancestor, _ -> new Below())));
    }
    List<Entry> entries = new ArrayList<>();
    ancestors.forEach(
        (ancestor, below) -> entries.add(new Entry(ancestor, conditions(policy, ancestor, below))));
    return entries;
  }

  private void sort(BanPolicyObject policy, Point target, Resolution resolution, Below below) {
    switch (resolution) {
      case NOT_FOUND -> below.missing.add(target + " is not there");
      case NO_SUCH_SECTION -> below.missing.add(target + ": there is no such section");
      case NOT_PERMITTED ->
          below.notPermitted.add(
              target + " needs a ReferenceGrant there, from BanPolicy in " + policy.namespace());
      case FOUND -> {
        BanPolicyObject winner = merge.winners().get(target);
        if (winner != null && !winner.fullName().equals(policy.fullName())) {
          below.conflicts.add(target + " has the older BanPolicy " + winner.fullName());
        } else if (refused.containsKey(target.policyName())) {
          below.invalid.add(refused.getOrDefault(target.policyName(), ""));
        } else {
          below.taken.add(target);
        }
      }
    }
  }

  private List<Condition> conditions(BanPolicyObject policy, Point ancestor, Below below) {
    List<String> refs = new ArrayList<>(below.missing);
    refs.addAll(below.notPermitted);
    String reason =
        below.missing.isEmpty() && !below.notPermitted.isEmpty()
            ? "RefNotPermitted"
            : "TargetNotFound";
    Condition resolved =
        refs.isEmpty()
            ? new Condition("ResolvedRefs", true, "ResolvedRefs", "")
            : new Condition("ResolvedRefs", false, reason, String.join("; ", refs));
    return List.of(accepted(below, refs, reason), resolved, programmed(policy, ancestor, below));
  }

  private static Condition accepted(Below below, List<String> refs, String reason) {
    List<String> others = new ArrayList<>(below.invalid);
    others.addAll(below.conflicts);
    others.addAll(refs);
    String message = String.join("; ", others);
    if (!below.taken.isEmpty()) {
      return new Condition("Accepted", true, "Accepted", message);
    }
    String why =
        !below.invalid.isEmpty() ? "Invalid" : !below.conflicts.isEmpty() ? "Conflicted" : reason;
    return new Condition("Accepted", false, why, message);
  }

  private Condition programmed(BanPolicyObject policy, Point ancestor, Below below) {
    if (below.taken.isEmpty()) {
      return new Condition("Programmed", false, "Overridden", "it holds nowhere here");
    }
    String names =
        below.taken.stream().map(Point::policyName).sorted().collect(Collectors.joining(", "));
    if (!policy.auto()) {
      return new Condition(
          "Programmed", true, "Programmed", "in force for whoever attaches by the name " + names);
    }
    List<String> problems = new ArrayList<>();
    boolean attached = false;
    int routes = 0;
    Map<Point, String> uncovered = new LinkedHashMap<>();
    for (Point target : below.taken) {
      String impossible =
          ancestor.kind() == Point.Kind.GATEWAY
              ? attachments.impossible().get(new Attachments.At(target, ancestor))
              : "it hangs below no Gateway";
      List<AttachedObject> objects = attachments.wanted().getOrDefault(target, List.of());
      List<String> failures =
          objects.stream()
              .map(AttachedObject::key)
              .filter(failed::containsKey)
              .map(key -> failed.getOrDefault(key, ""))
              .toList();
      problems.addAll(failures);
      if (impossible != null) {
        problems.add(impossible);
      } else if (failures.isEmpty()) {
        attached = true;
        Coverage coverage = coverage(target, ancestor);
        routes += coverage.routes();
        uncovered.putAll(coverage.uncovered());
      }
    }
    if (!attached) {
      return new Condition("Programmed", false, "NotAttached", String.join("; ", problems));
    }
    if (problems.isEmpty() && uncovered.isEmpty()) {
      return new Condition("Programmed", true, "Programmed", "attached by the name " + names);
    }
    if (!uncovered.isEmpty()) {
      problems.add(
          uncovered.size()
              + " of "
              + routes
              + " routes are not wholly covered: "
              + named(uncovered));
    }
    return new Condition("Programmed", true, "PartiallyProgrammed", String.join("; ", problems));
  }

  private static String named(Map<Point, String> uncovered) {
    String named =
        uncovered.entrySet().stream()
            .limit(MAX_NAMED)
            .map(entry ->
                entry.getKey().namespace()
                    + '/'
                    + entry.getKey().name()
                    + " ("
                    + entry.getValue()
                    + ')')
            .collect(Collectors.joining(", "));
    return uncovered.size() <= MAX_NAMED
        ? named
        : named + " and " + (uncovered.size() - MAX_NAMED) + " more";
  }

  private Coverage coverage(Point target, Point ancestor) {
    return cluster
        .gateway(ancestor)
        .map(gateway ->
            Coverage.of(
                cluster,
                merge,
                target,
                gateway,
                attachments.wanted().getOrDefault(target, List.of()),
                controller))
        .orElseGet(() -> new Coverage(0, Map.of()));
  }

  /** In numbers. */
  PolicyReport report() {
    List<PolicyReport.OfPolicy> policies = new ArrayList<>();
    for (BanPolicyObject policy : cluster.policies()) {
      int routes = 0;
      int uncovered = 0;
      boolean accepted = false;
      for (Point target : policy.targets()) {
        BanPolicyObject winner = merge.winners().get(target);
        boolean holds =
            winner != null
                && winner.fullName().equals(policy.fullName())
                && !refused.containsKey(target.policyName());
        accepted |= holds;
        if (holds && policy.auto()) {
          for (GatewayObject gateway : cluster.gatewaysOf(target)) {
            Coverage coverage = coverage(target, gateway.point());
            routes += coverage.routes();
            uncovered +=
                attachments.impossible().containsKey(new Attachments.At(target, gateway.point()))
                    ? coverage.routes()
                    : coverage.uncovered().size();
          }
        }
      }
      policies.add(new PolicyReport.OfPolicy(policy.fullName(), accepted, routes, uncovered));
    }
    policies.sort((a, b) -> a.name().compareTo(b.name()));
    return new PolicyReport(policies);
  }
}
