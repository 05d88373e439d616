package io.ipsentry.conformance.chart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.marcnuri.helm.LintResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the chart renders to, by Helm itself, without a cluster. */
final class ChartTest {
  private static final String NAMESPACE = "ip-sentry";

  @Test
  void lint_strict_findsNothing() {
    LintResult result = HelmChart.lint();
    assertThat(result.isFailed()).as("%s", result.getMessages()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          wathcer: {}                                          | wathcer
          watcher: { treshold: 3 }                             | treshold
          watcher: { threshold: 0 }                            | threshold
          watcher: { resources: { limits: { memroy: 1Gi } } }  | memroy
          watcher: { securityContext: { privilleged: true } }  | privilleged
          enforcer: { intervalSeconds: 30s }                   | intervalSeconds
          authzServer: { autoscaling: { min: 2 } }             | min
          ngf: { labelselector: a=b }                          | labelselector
          preset: nginx                                        | ngf
          config: { neverban: [] }                             | neverban
          monitoring: { podMonitor: { enabled: yess } }        | podMonitor/enabled
          networkPolicy: { egress: { apiServerPorts: [0] } }   | apiServerPorts
          """)
  void values_withATypo_areRefusedByName(String values, String named) {
    assertThatThrownBy(() -> HelmChart.render(NAMESPACE, values))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("schema")
        .hasMessageContaining(named);
  }
}
