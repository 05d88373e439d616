package io.ipsentry.cli;

import io.ipsentry.kubernetes.checkup.PolicyFact;
import java.util.List;
import java.util.function.Consumer;

/** Looks at what the statuses of BanPolicies say. For one thread. */
final class PolicyCheckup {
  private static final String GUIDE = "see docs/attach/banpolicy.md";

  private final List<PolicyFact> policies;
  private final Consumer<Finding> report;

  /**
   * @param report is told each finding
   */
  PolicyCheckup(List<PolicyFact> policies, Consumer<Finding> report) {
    this.policies = policies;
    this.report = report;
  }

  void look() {
    policies.forEach(policy -> report.accept(found(policy)));
  }

  private static Finding found(PolicyFact policy) {
    String check = "policy " + policy.name();
    return switch (policy.standing()) {
      case FINE -> Finding.ok(check, "holds as it says");
      case UNKNOWN ->
          Finding.warn(
                  check,
                  "nobody has looked at it",
                  "set banPolicies.enabled of the chart, or remove the policy")
              .because("requests are judged as if it were not there");
      case PARTLY ->
          Finding.warn(check, policy.message(), GUIDE)
              .because("requests for those routes are not refused");
      case NOWHERE -> Finding.fail(check, policy.message(), GUIDE);
    };
  }
}
