package io.ipsentry.kubernetes.checkup;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.ipsentry.kubernetes.checkup.PolicyFact.Standing;
import org.junit.jupiter.api.Test;

final class PolicyFactTest {
  private static PolicyFact of(String... ancestors) {
    return PolicyFact.of(
        Serialization.unmarshal(
            """
            apiVersion: ip-sentry.io/v1alpha1
            kind: BanPolicy
            metadata: { namespace: shop, name: logins }
            status: { ancestors: [%s] }
            """
                .formatted(String.join(", ", ancestors)),
            GenericKubernetesResource.class));
  }

  private static String ancestor(String controller, String status, String reason) {
    return ("{ controllerName: %s, conditions: [{ type: Programmed, status: '%s', reason: %s,"
            + " message: why }] }")
        .formatted(controller, status, reason);
  }

  @Test
  void of_statuses_tellsTheWorstOfOurs() {
    String fine = ancestor("ip-sentry.io/banpolicy", "True", "Programmed");
    String partly = ancestor("ip-sentry.io/banpolicy", "True", "PartiallyProgrammed");
    String nowhere = ancestor("ip-sentry.io/banpolicy", "False", "TargetNotFound");
    String theirs = ancestor("example.com/other", "False", "TargetNotFound");

    assertThat(of()).isEqualTo(new PolicyFact("shop/logins", Standing.UNKNOWN, ""));
    assertThat(of(theirs).standing()).isEqualTo(Standing.UNKNOWN);
    assertThat(of(theirs, fine)).isEqualTo(new PolicyFact("shop/logins", Standing.FINE, ""));
    assertThat(of(fine, partly))
        .isEqualTo(new PolicyFact("shop/logins", Standing.PARTLY, "PartiallyProgrammed: why"));
    assertThat(of(partly, nowhere, fine))
        .isEqualTo(new PolicyFact("shop/logins", Standing.NOWHERE, "TargetNotFound: why"));
  }
}
