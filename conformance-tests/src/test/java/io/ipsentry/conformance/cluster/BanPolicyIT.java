package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.cluster.GatewayDefinitions;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * From a BanPolicy to the refusal: a watcher and an authz-server as the chart's service accounts,
 * at a real API server with the gateways' own definitions; and the rights that the chart gives for
 * it are those that this needs.
 */
@RequiresCluster
@RequiresProgram("openssl")
final class BanPolicyIT {
  private static final String WATCHER = "ip-sentry-watcher";
  private static final String AUTHZ_SERVER = "ip-sentry-authz-server";
  private static final String RULES =
      """
      rules: [{ name: asked, on: request, match: { paths: ['^/\\.git'] }, threshold: 3 }]
      """;

  /** What only BanPolicies need. */
  private static final Set<String> RESOURCES =
      Set.of(
          "banpolicies",
          "banpolicies/status",
          "gatewayclasses",
          "httproutes",
          "referencegrants",
          "securitypolicies",
          "snippetspolicies",
          "snippetsfilters",
          "middlewares");

  @TempDir private static Path directory;

  private static TestCluster cluster;
  private static ChartInCluster release;
  private static CertificateAuthority authority;
  private static CertificateAuthority.Issued certificate;

  @BeforeAll
  static void start() throws Exception {
    cluster = TestCluster.start(Files.createDirectory(directory.resolve("cluster")));
    GatewayDefinitions.install(cluster);
    String ignored =
        cluster.kubectl().run("apply", "--server-side", "-f", "../charts/ip-sentry/crds");
    ignored =
        cluster
            .kubectl()
            .run("wait", "--for=condition=Established", "crd/banpolicies.ip-sentry.io");
    release =
        ChartInCluster.in(
            cluster,
            cluster.newNamespace(),
            "banPolicies: { enabled: true, attach: [envoy-gateway, ngf, traefik] }");
    authority = CertificateAuthority.create(directory, "ca");
    certificate = authority.issue("watcher", "IP:127.0.0.1");
  }

  @AfterAll
  static void end() {
    cluster.close();
  }

  private static Path own(String name) throws IOException {
    return Files.createDirectories(directory.resolve(name));
  }

  private static String leader(Path own, String account, String more) {
    return "leader: { ca: %s, tokenFile: %s%s }"
        .formatted(authority.certificate(), release.token(own, account), more);
  }

  private static RunningWatcher watcher() throws IOException {
    Path own = own("w");
    return RunningWatcher.start(
        own,
        "{ kubernetes: { kubeconfig: %s, banPolicies: true }, %s }"
            .formatted(
                release.kubeconfig(own, WATCHER),
                leader(own, WATCHER, ", lease: 3s, advertise: \"127.0.0.1:%d\"")),
        "",
        "tls: { certificate: %s, key: %s }\n"
            .formatted(certificate.certificate(), certificate.key()),
        RULES + "authz: { listen: \":9001\", http: \":9002\", callers: [127.0.0.1] }\n");
  }

  private static RunningAuthzServer authzServer() throws IOException {
    Path own = own("g");
    return RunningAuthzServer.start(
        own,
        List.of(),
        RULES
            + "store: { kubernetes: { kubeconfig: %s, banPolicies: true }, %s }%n"
                .formatted(release.kubeconfig(own, AUTHZ_SERVER), leader(own, AUTHZ_SERVER, "")));
  }

  private static void until(String what, Callable<Boolean> condition) {
    await(what).atMost(RunningIpSentry.PATIENCE).until(condition);
  }

  private static String objects(String namespace) {
    StringBuilder gateways = new StringBuilder();
    for (String[] each :
        new String[][] {
          {"eg", "gateway.envoyproxy.io/gatewayclass-controller"},
          {"nginx", "gateway.nginx.org/nginx-gateway-controller"},
          {"traefik", "traefik.io/gateway-controller"}
        }) {
      gateways.append(
          """
          ---
          apiVersion: gateway.networking.k8s.io/v1
          kind: GatewayClass
          metadata: { name: %1$s }
          spec: { controllerName: %2$s }
          ---
          apiVersion: gateway.networking.k8s.io/v1
          kind: Gateway
          metadata: { name: %1$s, namespace: %3$s }
          spec: { gatewayClassName: %1$s, listeners: [{ name: http, port: 80, protocol: HTTP }] }
          ---
          apiVersion: gateway.networking.k8s.io/v1
          kind: HTTPRoute
          metadata: { name: %1$s, namespace: %3$s }
          spec: { parentRefs: [{ name: %1$s }], rules: [{ backendRefs: [{ name: app, port: 80 }] }] }
          """
              .formatted(each[0], each[1], namespace));
    }
    return gateways.toString();
  }

  private static String policy(String name, String kind, String target, String more) {
    return """
    ---
    apiVersion: ip-sentry.io/v1alpha1
    kind: BanPolicy
    metadata: { name: %s }
    spec:
      targetRefs: [{ group: gateway.networking.k8s.io, kind: %s, name: %s }]
      attach: auto
    %s
    """
        .formatted(name, kind, target, more.indent(2));
  }

  private static String names(Kubectl kubectl) {
    return kubectl.run(
        "get", "securitypolicies,snippetspolicies,snippetsfilters,middlewares", "-o", "name");
  }

  @Test
  void policy_isEnforcedAttachedAndRemoved_withTheRightsOfTheChart() throws Exception {
    String namespace = cluster.newNamespace();
    String other = cluster.newNamespace();
    Kubectl kubectl = cluster.kubectl().with("--namespace=" + namespace);
    try (RunningWatcher watcher = watcher();
        RunningAuthzServer gateway = authzServer()) {
      until("it leads", watcher::leads);
      String ignored = cluster.kubectl().feed(objects(namespace), "apply", "-f", "-");
      ignored =
          kubectl.feed(
              policy("envoy", "Gateway", "eg", "thresholds: { threshold: 1 }")
                  + policy("nginx", "Gateway", "nginx", "mode: shadow")
                  + policy("route", "HTTPRoute", "nginx", "mode: \"off\"")
                  + policy("traefik", "HTTPRoute", "traefik", "denial: { status: 401 }"),
              "apply",
              "--validate=strict",
              "-f",
              "-");
      String byPolicy = "gateway_" + namespace + "_eg";
      assertThat(gateway.ask("203.0.113.7", "/.git/config")).isEqualTo(200);
      String banned = refusedAtOnce(gateway, byPolicy);
      until("banned for all", () -> gateway.ask(banned, "/") == 403);
      until("not judged", () -> gateway.ask("route_" + namespace + "_nginx", banned, "/") == 200);
      until(
          "told otherwise",
          () -> gateway.ask("route_" + namespace + "_traefik", banned, "/") == 401);
      assertThat(gateway.ask("gateway_" + namespace + "_nginx", banned, "/")).isEqualTo(200);

      until("attached", () -> names(kubectl).lines().count() == 4);
      changeAllByHand(kubectl);
      // Another namespace: the grant is written anew.
      ignored = cluster.kubectl().feed(objects(other), "apply", "-f", "-");
      ignored =
          cluster
              .kubectl()
              .with("--namespace=" + other)
              .feed(policy("envoy", "Gateway", "eg", "mode: enforce"), "apply", "-f", "-");
      until("granted", () -> grants().contains(namespace) && grants().contains(other));
      assertThat(watcher.metrics()).contains("ip_sentry_ban_policies 5.0");
      until("a route is reached", () -> routes(watcher, namespace + "/envoy").equals("1 of 1"));
      // Neither names the filter that it would need.
      until("a route is not", () -> routes(watcher, namespace + "/traefik").equals("0 of 1"));
      until("nor another", () -> routes(watcher, namespace + "/route").equals("0 of 1"));
      // Its only route has a policy of its own.
      until("there is none", () -> routes(watcher, namespace + "/nginx").equals("0 of 0"));
      doctor(namespace);

      for (String each : List.of(namespace, other)) {
        ignored = cluster.kubectl().run("--namespace=" + each, "delete", "banpolicies", "--all");
      }
      until("removed", () -> names(kubectl).isEmpty() && grants().isEmpty());
      until(
          "judged by the default one",
          () -> gateway.ask("route_" + namespace + "_nginx", banned, "/") == 403);
      assertThat(gateway.stop()).isZero();
      assertThat(watcher.stop()).isZero();
    }
    rightsAreUsed();
  }

  /** A client whose first hit bans: each is asked about once, as the default rule wants three. */
  private static String refusedAtOnce(RunningAuthzServer gateway, String policy) {
    AtomicReference<String> client = new AtomicReference<>("");
    AtomicInteger number = new AtomicInteger();
    until(
        "in force",
        () -> {
          client.set("198.51.100." + number.incrementAndGet() % 250);
          return gateway.ask(policy, client.get(), "/.git/config") == 403;
        });
    assertThat(number).hasValueLessThan(250);
    return client.get();
  }

  private static String grants() {
    return cluster
        .kubectl()
        .run(
            "--namespace=" + release.namespace(),
            "get",
            "referencegrants",
            "-o",
            "jsonpath={.items[*].spec.from[*].namespace}");
  }

  private static void changeAllByHand(Kubectl kubectl) {
    for (String object : names(kubectl).lines().toList()) {
      String ignored =
          kubectl.run("annotate", object, "--overwrite", "ip-sentry.io/policy=somebody/else");
      until(
          object + " is put right",
          () -> !kubectl.run("get", object, "-o", "yaml").contains("somebody/else"));
    }
  }

  /** How many routes a policy reaches, by the metrics. */
  private static String routes(RunningWatcher watcher, String policy) {
    double yes = routes(watcher, policy, "yes");
    return String.format(Locale.ROOT, "%.0f of %.0f", yes, yes + routes(watcher, policy, "no"));
  }

  private static double routes(RunningWatcher watcher, String policy, String covered) {
    return watcher
        .metric(
            "ip_sentry_ban_policy_routes{covered=\"%s\",policy=\"%s\"}".formatted(covered, policy))
        .orElse(-1);
  }

  private static void doctor(String namespace) {
    IpSentry.Result result =
        IpSentry.run(
            "doctor",
            "--kubeconfig",
            cluster.kubeconfig().toString(),
            "--namespace",
            release.namespace());
    assertThat(result.out())
        .contains("policy " + namespace + "/envoy")
        .contains("holds as it says")
        .contains("ExtensionRef");
  }

  private static void rightsAreUsed() {
    String user = "system:serviceaccount:" + release.namespace() + ":" + WATCHER;
    List<Access> accesses =
        Access.of(cluster).stream().filter(access -> access.user().equals(user)).toList();
    List<Right> unused = new ArrayList<>();
    for (Right right : Right.of(release.chart(), release.namespace(), WATCHER)) {
      if (RESOURCES.contains(right.resource())) {
        unused.add(right);
      }
    }
    assertThat(unused).isNotEmpty();
    accesses.forEach(access -> unused.removeIf(right -> right.covers(access)));
    assertThat(unused).as("given, and not used").isEmpty();
    assertThat(accesses)
        .filteredOn(access -> RESOURCES.contains(access.resource()))
        .filteredOn(Access::refused)
        .as("refused")
        .isEmpty();
  }
}
