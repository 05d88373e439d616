package io.ipsentry.cli;

import io.ipsentry.config.SourceConfig;
import io.ipsentry.kubernetes.checkup.Answer;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Pod;
import io.ipsentry.kubernetes.checkup.ClusterLook;
import io.ipsentry.kubernetes.checkup.ComponentRight;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether the processes of a release, and the person who asks, have the rights they need: two
 * things, for which the API server is asked in two ways. For one thread.
 */
final class RightsCheckup {
  private final ClusterLook look;
  private final String release;
  private final String namespace;
  private final Consumer<Finding> report;

  RightsCheckup(ClusterLook look, String release, String namespace, Consumer<Finding> report) {
    this.look = look;
    this.release = release;
    this.namespace = namespace;
    this.report = report;
  }

  /** Those of the person: what he lacks is not looked at, and nothing is wrong for it. */
  void ofPerson(boolean canary) {
    List<ComponentRight> lacking = new ArrayList<>();
    for (ComponentRight right : ComponentRight.ofDoctor(release, namespace, canary)) {
      Optional<Boolean> may =
          new Asked(report).of("your rights", look.mayI(right), "ask what you may");
      if (may.isEmpty()) {
        return;
      }
      if (!may.get()) {
        lacking.add(right);
      }
    }
    report.accept(
        lacking.isEmpty()
            ? Finding.ok("your rights", "you may look at everything")
            : Finding.warn(
                    "your rights",
                    "you, not ip-sentry, may not: " + text(lacking),
                    "have somebody bind you the ClusterRoles ip-sentry-doctor and"
                        + " ip-sentry-doctor-cluster of "
                        + Asked.RIGHTS)
                .because("not looked at, for you may not: " + why(lacking)));
  }

  /** Those of the service accounts. */
  void ofProcesses(List<Pod> pods, List<SourceConfig> sources) {
    Map<String, String> accounts = new LinkedHashMap<>();
    pods.forEach(pod -> accounts.putIfAbsent(pod.component(), pod.serviceAccount()));
    List<ComponentRight> needed = new ArrayList<>(ComponentRight.all(release, namespace));
    PodSources.of(sources)
        .forEach(of ->
            needed.addAll(ComponentRight.ofSource(of.source().name(), of.pods().namespace())));
    Map<String, List<ComponentRight>> missing = new LinkedHashMap<>();
    for (ComponentRight right : needed) {
      String account = accounts.get(right.component());
      if (account == null) {
        continue;
      }
      Answer<Boolean> may = look.may(account, right);
      Optional<Boolean> told = new Asked(report).of("rights", may, "create subjectaccessreviews");
      if (told.isEmpty()) {
        return;
      }
      missing.computeIfAbsent(right.component(), _ -> new ArrayList<>());
      if (!told.get()) {
        missing.get(right.component()).add(right);
      }
    }
    missing.forEach((component, lacking) -> lacking(component, accounts.get(component), lacking));
  }

  private void lacking(String component, @Nullable String account, List<ComponentRight> lacking) {
    String check = "rights of " + component;
    if (lacking.isEmpty()) {
      report.accept(Finding.ok(check, "service account " + account + " has all it needs"));
      return;
    }
    report.accept(
        Finding.fail(
                check,
                "service account " + account + " may not: " + text(lacking),
                "helm upgrade with rbac.create: true, or kubectl apply -f " + Asked.RIGHTS)
            .because(why(lacking)));
  }

  private static String text(List<ComponentRight> lacking) {
    Map<String, List<String>> verbs = new LinkedHashMap<>();
    lacking.forEach(
        right -> verbs.computeIfAbsent(right.object(), _ -> new ArrayList<>()).add(right.verb()));
    return verbs.entrySet().stream()
        .map(of -> String.join(", ", of.getValue()) + " " + of.getKey())
        .collect(Collectors.joining("; "));
  }

  private static String why(List<ComponentRight> lacking) {
    return lacking.stream().map(ComponentRight::why).distinct().collect(Collectors.joining("; "));
  }
}
