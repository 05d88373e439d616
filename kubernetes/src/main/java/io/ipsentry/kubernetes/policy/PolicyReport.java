package io.ipsentry.kubernetes.policy;

import java.util.List;

/**
 * How it stands with the policies.
 *
 * @param policies in order of their names
 */
public record PolicyReport(List<OfPolicy> policies) {
  /** Nothing was looked at yet. */
  public static final PolicyReport NONE = new PolicyReport(List.of());

  public PolicyReport {
    policies = List.copyOf(policies);
  }

  /**
   * How it stands with one.
   *
   * @param name {@code NAMESPACE/NAME}
   * @param accepted whether it holds somewhere
   * @param routes that it should reach; 0 unless it attaches
   * @param uncovered of those, the ones that it does not reach, or not wholly
   */
  public record OfPolicy(String name, boolean accepted, int routes, int uncovered) {}
}
