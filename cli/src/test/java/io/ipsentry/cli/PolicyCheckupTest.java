package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.cli.Finding.State;
import io.ipsentry.kubernetes.checkup.PolicyFact;
import io.ipsentry.kubernetes.checkup.PolicyFact.Standing;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class PolicyCheckupTest {
  private static Finding found(Standing standing, String message) {
    List<Finding> found = new ArrayList<>();
    new PolicyCheckup(List.of(new PolicyFact("shop/logins", standing, message)), found::add).look();
    assertThat(found).hasSize(1);
    return found.getFirst();
  }

  @Test
  void look_policy_saysHowItStands() {
    assertThat(found(Standing.FINE, ""))
        .isEqualTo(Finding.ok("policy shop/logins", "holds as it says"));
    assertThat(found(Standing.UNKNOWN, ""))
        .returns(State.WARN, Finding::state)
        .returns("nobody has looked at it", Finding::what)
        .returns("set banPolicies.enabled of the chart, or remove the policy", Finding::mend);
    assertThat(found(Standing.PARTLY, "PartiallyProgrammed: one route has a filter"))
        .returns(State.WARN, Finding::state)
        .returns("PartiallyProgrammed: one route has a filter", Finding::what);
    assertThat(found(Standing.NOWHERE, "TargetNotFound: no such Gateway"))
        .returns(State.FAIL, Finding::state)
        .returns("TargetNotFound: no such Gateway", Finding::what);
  }
}
