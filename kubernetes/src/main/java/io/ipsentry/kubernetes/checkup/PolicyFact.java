package io.ipsentry.kubernetes.checkup;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What the status of a BanPolicy says of all Gateways together: the worst.
 *
 * @param name {@code NAMESPACE/NAME}
 * @param message of that
 */
public record PolicyFact(String name, Standing standing, String message) {
  private static final String OURS = "ip-sentry.io/";

  /** How it stands, from the best to the worst. */
  public enum Standing {
    /** It holds, and reaches all that it should. */
    FINE,
    /** Some routes are not reached. */
    PARTLY,
    /** It does not hold, or nothing is attached, for a Gateway at least. */
    NOWHERE,
    /** It has no status of ours. */
    UNKNOWN
  }

  static PolicyFact of(GenericKubernetesResource policy) {
    String name = policy.getMetadata().getNamespace() + '/' + policy.getMetadata().getName();
    List<Map<String, Object>> ancestors =
        Objects.requireNonNullElse(policy.get("status", "ancestors"), List.of());
    PolicyFact worst = new PolicyFact(name, Standing.UNKNOWN, "");
    for (Map<String, Object> ancestor : ancestors) {
      if (String.valueOf(ancestor.get("controllerName")).startsWith(OURS)
          && ancestor.get("conditions") instanceof List<?> conditions) {
        PolicyFact here = of(name, conditions);
        if (worst.standing == Standing.UNKNOWN || here.standing.compareTo(worst.standing) > 0) {
          worst = here;
        }
      }
    }
    return worst;
  }

  private static PolicyFact of(String name, List<?> conditions) {
    PolicyFact worst = new PolicyFact(name, Standing.FINE, "");
    for (Object each : conditions) {
      if (each instanceof Map<?, ?> condition) {
        String message = condition.get("reason") + ": " + condition.get("message");
        if (!"True".equals(condition.get("status")) && worst.standing != Standing.NOWHERE) {
          worst = new PolicyFact(name, Standing.NOWHERE, message);
        } else if ("PartiallyProgrammed".equals(condition.get("reason"))
            && worst.standing == Standing.FINE) {
          worst = new PolicyFact(name, Standing.PARTLY, message);
        }
      }
    }
    return worst;
  }
}
