package io.ipsentry.cli;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.kubernetes.checkup.Answer;
import io.ipsentry.kubernetes.checkup.ClusterFacts.GatewayService;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Lease;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Pod;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Server;
import io.ipsentry.kubernetes.checkup.ClusterLook;
import io.ipsentry.kubernetes.checkup.ComponentRight;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Looks at a release in a cluster: its processes and what they say, who leads, rights, and how
 * traffic and log lines of gateways come in. Changes nothing. For one thread.
 */
final class ClusterCheckup {
  private static final String RIGHTS = "docs/examples/cluster-rbac.yaml";
  private static final Duration CLOCK_TOLERANCE = Duration.ofSeconds(5);
  private static final int MANY_RESTARTS = 5;

  private final ClusterLook look;
  private final String release;
  private final String namespace;
  private final Shell shell;
  private final Consumer<Finding> report;
  private int nodes;

  /**
   * @param report is told each finding as soon as it is there
   */
  ClusterCheckup(
      ClusterLook look, String release, String namespace, Shell shell, Consumer<Finding> report) {
    this.look = look;
    this.release = release;
    this.namespace = namespace;
    this.shell = shell;
    this.report = report;
  }

  /** Looks. Returns the pods of the release, as far as they can be seen. */
  List<Pod> look() {
    Answer<Server> server = look.server();
    if (!(server instanceof Answer.Told<Server>(var facts))) {
      untold("cluster", server, "get /version");
      return List.of();
    }
    clock(facts);
    Optional<List<Pod>> told = asked("pods", look.pods(), "list pods in " + namespace);
    List<Pod> pods = told.orElse(List.of());
    nodes = asked("nodes", look.nodes(), "list nodes").orElse(0);
    told.ifPresent(this::components);
    leader(facts);
    Optional<List<Part>> parts = protection();
    rights(pods);
    pods.forEach(this::process);
    gateways(parts.orElse(List.of()));
    return pods;
  }

  // ---- what may not be looked at

  private <T> Optional<T> asked(String check, Answer<T> answer, String right) {
    if (answer instanceof Answer.Untold<T>) {
      untold(check, answer, right);
    }
    return answer.told();
  }

  private void untold(String check, Answer<?> answer, String right) {
    if (answer instanceof Answer.Untold<?>(var why, var forbidden)) {
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

  private void leader(Server server) {
    Answer<Optional<Lease>> answer = look.lease(server.ahead());
    Optional<Optional<Lease>> told =
        asked("leader", answer, "get lease " + release + "-watcher in " + namespace);
    if (told.isEmpty()) {
      return;
    }
    String pods = "kubectl -n " + namespace + " logs -l app.kubernetes.io/component=watcher";
    Optional<Lease> lease = told.get().filter(it -> !it.holder().isEmpty());
    String why = "while nobody leads, lines and hits wait, and nobody is banned by them";
    if (lease.isEmpty()) {
      report.accept(Finding.fail("leader", "nobody leads", pods).because(why));
      return;
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
  }

  private Optional<List<Part>> protection() {
    Answer<Optional<List<Part>>> answer = look.protectedParts();
    Optional<Optional<List<Part>>> told =
        asked("protected", answer, "get configmap " + release + "-protected in " + namespace);
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
                    "let the watcher list and watch nodes: kubectl apply -f " + RIGHTS)
                .because("where a gateway logs a node in place of a client, the node is banned"));
    return Optional.of(parts);
  }

  // ---- rights

  private void rights(List<Pod> pods) {
    Map<String, String> accounts = new LinkedHashMap<>();
    pods.forEach(pod -> accounts.putIfAbsent(pod.component(), pod.serviceAccount()));
    Map<String, List<ComponentRight>> missing = new LinkedHashMap<>();
    for (ComponentRight right : ComponentRight.all(release, namespace)) {
      String account = accounts.get(right.component());
      if (account == null) {
        continue;
      }
      Answer<Boolean> may = look.may(account, right);
      if (may instanceof Answer.Untold<Boolean>) {
        untold("rights", may, "create subjectaccessreviews");
        return;
      }
      missing.computeIfAbsent(right.component(), _ -> new ArrayList<>());
      if (!may.told().orElse(false)) {
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
    Map<String, List<String>> verbs = new LinkedHashMap<>();
    lacking.forEach(
        right -> verbs.computeIfAbsent(right.object(), _ -> new ArrayList<>()).add(right.verb()));
    String what =
        verbs.entrySet().stream()
            .map(of -> String.join(", ", of.getValue()) + " " + of.getKey())
            .collect(Collectors.joining("; "));
    String why =
        lacking.stream().map(ComponentRight::why).distinct().collect(Collectors.joining("; "));
    report.accept(
        Finding.fail(
                check,
                "service account " + account + " may not: " + what,
                "helm upgrade with rbac.create: true, or kubectl apply -f " + RIGHTS)
            .because(why));
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
                  "have somebody bind you the ClusterRole ip-sentry-doctor of " + RIGHTS)
              : Finding.warn(
                  pod.name(),
                  "its metrics on port 9003 do not answer: " + why,
                  "set metrics.listen to \":9003\", and let the API server reach it"));
      return;
    }
    new ProcessCheckup(pod, new MetricsText(answer.told().orElse("")), report).look();
  }

  // ---- gateways

  private void gateways(List<Part> parts) {
    Optional<List<Pod>> found = asked("gateways", look.gateways(), "list pods in all namespaces");
    if (found.isEmpty()) {
      return;
    }
    List<Pod> pods = found.get();
    if (pods.isEmpty()) {
      report.accept(
          Finding.warn(
              "gateways",
              "no pod of NGINX Gateway Fabric, Envoy Gateway, Traefik or ingress-nginx was found",
              "nothing to do, if your gateway is another: name its pods as a source"));
      return;
    }
    Optional<List<GatewayService>> services =
        asked("gateway services", look.services(pods), "list services");
    services.orElse(List.of()).forEach(this::service);
    GatewayLogCheckup logs = new GatewayLogCheckup(look, parts, shell);
    pods.stream().filter(Pod::ready).forEach(pod -> logs.look(pod).forEach(report));
  }

  private void service(GatewayService service) {
    String check = "service " + service.namespace() + "/" + service.name();
    long ownNodes = service.pods().stream().map(Pod::node).distinct().count();
    String where = ownNodes + " of " + nodes + " nodes run its gateway";
    if (service.local()) {
      boolean some = nodes > ownNodes;
      report.accept(
          some
              ? Finding.ok(
                  check,
                  "externalTrafficPolicy: Local, so clients' addresses arrive; "
                      + where
                      + ", and only those take traffic: the load balancer must ask"
                      + " healthCheckNodePort, or the gateway run on each node")
              : Finding.ok(check, "externalTrafficPolicy: Local, so clients' addresses arrive"));
      return;
    }
    report.accept(
        Finding.fail(
                check,
                "externalTrafficPolicy: Cluster on a " + service.type(),
                "kubectl -n "
                    + service.namespace()
                    + " patch service "
                    + service.name()
                    + " -p '{\"spec\":{\"externalTrafficPolicy\":\"Local\"}}' ("
                    + where
                    + ": with Local only those take traffic, so run the gateway on each node, or"
                    + " have the load balancer ask healthCheckNodePort); or send the PROXY protocol"
                    + " from the load balancer, and have the gateway read it")
            .because(
                "the kernel writes a node's address in place of the client's: nobody can be"
                    + " banned by it, and packets of banned clients are not known by theirs"));
  }
}
