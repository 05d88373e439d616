package io.ipsentry.testing;

import java.lang.reflect.AnnotatedElement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** Decides about {@link RequiresProgram}, {@link RequiresRoot} and {@link RequiresCluster}. */
final class RequirementCondition implements ExecutionCondition {
  private final Surroundings surroundings;

  /** Called by JUnit. */
  RequirementCondition() {
    this(Surroundings.real());
  }

  RequirementCondition(Surroundings surroundings) {
    this.surroundings = surroundings;
  }

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    return context
        .getElement()
        .map(this::evaluate)
        .orElseGet(() -> ConditionEvaluationResult.enabled("nothing is required"));
  }

  ConditionEvaluationResult evaluate(AnnotatedElement element) {
    List<String> missing = new ArrayList<>();
    if (AnnotationSupport.isAnnotated(element, RequiresRoot.class) && !surroundings.isRoot()) {
      missing.add("root (run the tests as root)");
    }
    AnnotationSupport.findAnnotation(element, RequiresProgram.class)
        .ifPresent(required -> {
          for (String program : required.value()) {
            if (surroundings.program(program).isEmpty()) {
              missing.add("the program " + program + " (install its package)");
            }
          }
        });
    if (AnnotationSupport.isAnnotated(element, RequiresCluster.class)
        && surroundings.cluster().get().isEmpty()) {
      missing.add(
          "kube-apiserver, etcd and kubectl (conformance-tests/build-kubernetes.sh builds them"
              + " where Go is)");
    }
    if (missing.isEmpty()) {
      return ConditionEvaluationResult.enabled("all that is required is there");
    }
    String reason = "needs " + String.join(" and ", missing);
    if (surroundings.isCi()) {
      throw new MissingRequirementException(reason + "; with CI=true this is a failure");
    }
    return ConditionEvaluationResult.disabled(reason);
  }
}
