package io.ipsentry.cli;

import io.ipsentry.kubernetes.checkup.Answer;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What a cluster answers to {@code doctor}; that it does not, or that the person may not ask, is a
 * finding.
 *
 * @param report is told it
 */
record Asked(Consumer<Finding> report) {
  /** Where the roles are that give what is needed. */
  static final String RIGHTS = "docs/examples/cluster-rbac.yaml";

  /**
   * The fact.
   *
   * @param right what the person may not, if he may not
   */
  <T> Optional<T> of(String check, Answer<T> answer, String right) {
    if (answer instanceof Answer.Untold<T>(var why, var forbidden)) {
      report.accept(
          forbidden
              ? Finding.warn(
                  check,
                  "not looked at: you may not " + right,
                  "have somebody bind you the ClusterRole ip-sentry-doctor of " + RIGHTS)
              : Finding.fail(
                  check,
                  "cannot be looked at: " + why,
                  "see kubectl cluster-info, and the message"));
    }
    return answer.told();
  }
}
