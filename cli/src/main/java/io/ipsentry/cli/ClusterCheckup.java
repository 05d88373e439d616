package io.ipsentry.cli;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.ConfigReport;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.kubernetes.checkup.Answer;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Lease;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Pod;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Server;
import io.ipsentry.kubernetes.checkup.ClusterLook;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Looks at a release in a cluster: its processes and what they say, who leads, its configuration;
 * and lets others look at rights and gateways. Changes nothing. For one thread.
 */
final class ClusterCheckup {
  private static final Duration CLOCK_TOLERANCE = Duration.ofSeconds(5);
  private static final int MANY_RESTARTS = 5;

  private final ClusterLook look;
  private final String release;
  private final String namespace;
  private final Shell shell;
  private final Consumer<Finding> report;
  private final Asked asked;

  /**
   * What was seen.
   *
   * @param pods of the release
   * @param logged the last requests in the logs of gateways
   * @param parts what must never be banned
   * @param leader where the leader is reached; empty: nobody leads, or it is not known
   */
  record Seen(
      List<Pod> pods, List<LoggedRequest> logged, List<Part> parts, Optional<String> leader) {
    Seen {
      pods = List.copyOf(pods);
      logged = List.copyOf(logged);
      parts = List.copyOf(parts);
    }
  }

  /**
   * @param report is told each finding as soon as it is there
   */
  ClusterCheckup(
      ClusterLook look, String release, String namespace, Shell shell, Consumer<Finding> report) {
    asked = new Asked(report);
    this.look = look;
    this.release = release;
    this.namespace = namespace;
    this.shell = shell;
    this.report = report;
  }

  /**
   * Looks.
   *
   * @param canary whether a canary is to fly afterwards, for which the person needs rights
   */
  Seen look(boolean canary) {
    Optional<Server> server = asked.of("cluster", look.server(), "get /version");
    if (server.isEmpty()) {
      return new Seen(List.of(), List.of(), List.of(), Optional.empty());
    }
    clock(server.get());
    RightsCheckup rights = new RightsCheckup(look, release, namespace, report);
    rights.ofPerson(canary);
    Optional<List<Pod>> told = asked.of("pods", look.pods(), "list pods in " + namespace);
    List<Pod> pods = told.orElse(List.of());
    int nodes = asked.of("nodes", look.nodes(), "list nodes").orElse(0);
    told.ifPresent(this::components);
    Optional<String> leader = leader(server.get());
    List<Part> parts = protection().orElse(List.of());
    Optional<Config> config = configuration(pods);
    rights.ofProcesses(pods, config.map(Config::sources).orElse(List.of()));
    pods.forEach(this::process);
    asked
        .of("policies", look.policies(), "list banpolicies")
        .ifPresent(policies -> new PolicyCheckup(policies, report).look());
    List<LoggedRequest> logged = new GatewayCheckup(look, parts, nodes, shell, report).look(config);
    return new Seen(pods, logged, parts, leader);
  }

  /** What its watchers are told to read; empty: that cannot be seen. */
  private Optional<Config> configuration(List<Pod> pods) {
    Optional<Pod> watcher =
        pods.stream().filter(pod -> pod.component().equals("watcher")).findFirst();
    if (watcher.isEmpty()) {
      return Optional.empty();
    }
    Optional<String> text =
        asked
            .of(
                "config",
                look.configuration(watcher.get()),
                "get the ConfigMap of " + watcher.get().name() + " in " + namespace)
            .flatMap(found -> found);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    ConfigResult read =
        new ConfigLoader(shell.clock())
            .parseSources("ip-sentry.yaml", text.get().getBytes(StandardCharsets.UTF_8));
    return switch (read) {
      case ConfigResult.Valid valid -> {
        long ofPods = PodSources.of(valid.config().sources()).size();
        report.accept(
            Finding.ok("config", valid.config().sources().size() + " sources, of pods " + ofPods));
        yield Optional.of(valid.config());
      }
      case ConfigResult.Invalid invalid -> {
        report.accept(
            Finding.warn(
                    "config",
                    "its sources cannot be read: " + ConfigReport.line(invalid.errors().getFirst()),
                    "mend it; see check-config")
                .because("gateways are looked for by well-known labels alone"));
        yield Optional.empty();
      }
    };
  }

  // ---- the cluster

  private void clock(Server server) {
    Duration off = server.ahead().abs();
    String what = "API server " + server.version() + ", release " + release + " in " + namespace;
    report.accept(Finding.ok("cluster", what));
    report.accept(
        off.compareTo(CLOCK_TOLERANCE) <= 0
            ? Finding.ok("clock skew", off.toSeconds() + " s between here and the API server")
            : Finding.warn(
                    "clock skew",
                    "the clock here and the API server's are " + Times.format(off) + " apart",
                    "set both by NTP: chronyc tracking, or timedatectl")
                .because(
                    "a stamp that lies in the future is taken as now, and bans end early or"
                        + " late by what the clocks of nodes differ"));
  }

  private void components(List<Pod> pods) {
    for (String component : List.of("watcher", "authz-server", "enforcer")) {
      List<Pod> own = pods.stream().filter(pod -> pod.component().equals(component)).toList();
      long ready = own.stream().filter(Pod::ready).count();
      String what = ready + " of " + own.size() + " pods ready";
      if (own.isEmpty()) {
        report.accept(
            component.equals("watcher")
                ? Finding.fail(
                        component,
                        "no pod is labelled app.kubernetes.io/component=watcher",
                        "install the chart, or name another --release or --namespace")
                    .because("without a watcher nobody bans")
                : Finding.ok(component, "none, which is a choice"));
      } else if (ready < own.size()) {
        String names =
            own.stream()
                .filter(pod -> !pod.ready())
                .map(Pod::name)
                .collect(Collectors.joining(", "));
        report.accept(
            Finding.fail(
                    component,
                    what + "; not: " + names,
                    "kubectl -n " + namespace + " describe pod " + names.replace(",", ""))
                .because("a process that is not ready does not know the bans, or enforces none"));
      } else {
        report.accept(Finding.ok(component, what));
      }
    }
    pods.stream()
        .filter(pod -> pod.restarts() > MANY_RESTARTS)
        .forEach(pod ->
            report.accept(
                Finding.warn(
                    pod.component(),
                    pod.name() + " was restarted " + pod.restarts() + " times",
                    "kubectl -n " + namespace + " logs --previous " + pod.name())));
  }

  /** Where it is reached. */
  private Optional<String> leader(Server server) {
    Answer<Optional<Lease>> answer = look.lease(server.ahead());
    Optional<Optional<Lease>> told =
        asked.of("leader", answer, "get lease " + release + "-watcher in " + namespace);
    if (told.isEmpty()) {
      return Optional.empty();
    }
    String pods = "kubectl -n " + namespace + " logs -l app.kubernetes.io/component=watcher";
    Optional<Lease> lease = told.get().filter(it -> !it.holder().isEmpty());
    String why = "while nobody leads, lines and hits wait, and nobody is banned by them";
    if (lease.isEmpty()) {
      report.accept(Finding.fail("leader", "nobody leads", pods).because(why));
      return Optional.empty();
    }
    Lease held = lease.get();
    String age = Math.max(0, held.age().toSeconds()) + " s ago";
    if (held.age().compareTo(held.length()) > 0) {
      report.accept(
          Finding.fail(
                  "leader",
                  held.holder()
                      + " renewed its Lease "
                      + age
                      + ", and another should have taken it",
                  pods)
              .because(why));
    } else if (held.address().isEmpty()) {
      report.accept(
          Finding.fail(
                  "leader",
                  held.holder() + " leads and says no address",
                  "set admin.listen, and POD_IP or store.leader.advertise")
              .because("others cannot bring it their hits and changes"));
    } else {
      report.accept(
          Finding.ok("leader", held.holder() + " at " + held.address().get() + ", renewed " + age));
    }
    return held.address();
  }

  private Optional<List<Part>> protection() {
    Answer<Optional<List<Part>>> answer = look.protectedParts();
    Optional<Optional<List<Part>>> told =
        asked.of("protected", answer, "get configmap " + release + "-protected in " + namespace);
    if (told.isEmpty()) {
      return Optional.empty();
    }
    if (told.get().isEmpty()) {
      report.accept(
          Finding.warn(
                  "protected",
                  "there is no ConfigMap " + release + "-protected",
                  "a watcher that leads writes it; see the finding on the leader")
              .because("authz-servers and enforcers do not know the cluster's own addresses"));
      return Optional.empty();
    }
    List<Part> parts = told.get().get();
    Set<String> kinds = new LinkedHashSet<>();
    parts.forEach(part -> kinds.add(part.detail()));
    boolean nodesKnown = kinds.contains("node");
    report.accept(
        nodesKnown
            ? Finding.ok("protected", parts.size() + " kinds of addresses, the nodes' among them")
            : Finding.warn(
                    "protected",
                    "no address of a node is protected",
                    "let the watcher list and watch nodes: kubectl apply -f " + Asked.RIGHTS)
                .because("where a gateway logs a node in place of a client, the node is banned"));
    return Optional.of(parts);
  }

  // ---- processes

  private void process(Pod pod) {
    if (pod.component().isEmpty()) {
      return;
    }
    Answer<String> answer = look.metrics(pod);
    if (answer instanceof Answer.Untold<String>(var why, var forbidden)) {
      report.accept(
          forbidden
              ? Finding.warn(
                  pod.name(),
                  "its metrics are not looked at: you may not get pods/proxy in " + namespace,
                  "have somebody bind you the ClusterRole ip-sentry-doctor of " + Asked.RIGHTS)
              : Finding.warn(
                  pod.name(),
                  "its metrics on port 9003 do not answer: " + why,
                  "set metrics.listen to \":9003\", and let the API server reach it"));
      return;
    }
    new ProcessCheckup(pod, new MetricsText(answer.told().orElse("")), report).look();
  }
}
