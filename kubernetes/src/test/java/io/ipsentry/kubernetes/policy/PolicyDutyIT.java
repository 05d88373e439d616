package io.ipsentry.kubernetes.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.kubernetes.duty.DutyLoop;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.GatewayDefinitions;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two controllers at once on a real API server with the gateways' own definitions, each test in
 * namespaces of its own.
 */
@RequiresCluster
final class PolicyDutyIT {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Config BASE =
      new ConfigLoader()
          .parse(
              "base",
              """
              rules: [{ name: inline, on: request, match: { paths: ['^/x'] }, threshold: 3 }]
              authz: { listen: ":9001", http: ":9002", callers: 127.0.0.1 }
              """
                  .getBytes(StandardCharsets.UTF_8),
              Path.of("/"))
          .orThrow();

  @TempDir private static Path directory;

  private static TestCluster cluster;
  private static ClusterConnection connection;
  private static final List<DutyLoop> LOOPS = new ArrayList<>();

  private String namespace;
  private Kubectl kubectl;

  @BeforeAll
  static void start() {
    cluster = TestCluster.start(directory);
    GatewayDefinitions.install(cluster);
    String ignored =
        cluster
            .kubectl()
            .run("apply", "--server-side", "-f", "../charts/ip-sentry/crds/banpolicies.yaml");
    ignored =
        cluster
            .kubectl()
            .run("wait", "--for=condition=Established", "crd/banpolicies.ip-sentry.io");
    for (String[] each :
        new String[][] {
          {"eg", "gateway.envoyproxy.io/gatewayclass-controller"},
          {"nginx", "gateway.nginx.org/nginx-gateway-controller"},
          {"traefik", "traefik.io/gateway-controller"}
        }) {
      ignored =
          cluster
              .kubectl()
              .feed(
                  """
                  apiVersion: gateway.networking.k8s.io/v1
                  kind: GatewayClass
                  metadata: { name: %s }
                  spec: { controllerName: %s }
                  """
                      .formatted(each[0], each[1]),
                  "apply",
                  "-f",
                  "-");
    }
    ignored = cluster.kubectl().run("create", "namespace", "sentry");
    connection =
        ClusterConnection.open(
            new ClusterStoreConfig(
                "ip-sentry",
                Optional.of("sentry"),
                Optional.of(cluster.kubeconfig()),
                Optional.empty(),
                ClusterStoreConfig.LeaderConfig.DEFAULT));
    LOOPS.add(DutyLoop.start(duty(), InstantSource.system()));
    LOOPS.add(DutyLoop.start(duty(), InstantSource.system()));
  }

  @BeforeEach
  void makeNamespace() {
    namespace = cluster.newNamespace();
    kubectl = cluster.kubectl().with("--namespace=" + namespace);
  }

  private static PolicyDuty duty() {
    return new PolicyDuty(
        connection, "ip-sentry", () -> BASE, InstantSource.system(), System::nanoTime);
  }

  @AfterAll
  static void stop() {
    LOOPS.forEach(DutyLoop::close);
    connection.close();
    cluster.close();
  }

  // ---- objects

  private void apply(String yaml) {
    String ignored = kubectl.feed(yaml, "apply", "--validate=strict", "-f", "-");
  }

  private static String gateway(String name, String className) {
    return """
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: { name: %s }
    spec:
      gatewayClassName: %s
      listeners:
        - { name: http, port: 80, protocol: HTTP }
        - { name: alt, port: 8080, protocol: HTTP }
    """
        .formatted(name, className);
  }

  private static String route(String name, String gateway, String filters) {
    return """
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: { name: %s }
    spec:
      parentRefs: [{ name: %s }]
      rules: [{ filters: [%s], backendRefs: [{ name: app, port: 80 }] }]
    """
        .formatted(name, gateway, filters);
  }

  private static String policy(String name, String kind, String target, String more) {
    return """
    ---
    apiVersion: ip-sentry.io/v1alpha1
    kind: BanPolicy
    metadata: { name: %s }
    spec:
      targetRefs: [{ group: gateway.networking.k8s.io, kind: %s, name: %s }]
    %s
    """
        .formatted(name, kind, target, more.indent(2));
  }

  private String get(String what, String path) {
    return kubectl.attempt("get", what, "-o", "jsonpath={" + path + "}").out();
  }

  private String condition(String policy, String type, String field) {
    return get(
        "banpolicy/" + policy,
        ".status.ancestors[*].conditions[?(@.type==\"" + type + "\")]." + field);
  }

  private String objects(String kind) {
    return kubectl.attempt("get", kind, "-o", "jsonpath={.items[*].metadata.name}").out();
  }

  private static String document(String policyName) {
    return cluster
        .kubectl()
        .attempt(
            "--namespace=sentry",
            "get",
            "configmap",
            "ip-sentry-policies",
            "-o",
            "jsonpath={.data." + policyName + "}")
        .out();
  }

  private static void until(String what, Callable<Boolean> condition) {
    await(what).atMost(PATIENCE).pollInterval(Duration.ofMillis(200)).until(condition);
  }

  private void untilReason(String policy, String type, String reason) {
    until(policy + " is " + reason, () -> condition(policy, type, "reason").equals(reason));
  }

  // ---- tests

  @Test
  void policy_isToldAttachedAndRemoved_andASecondLookWritesNothing() throws Exception {
    AtomicReference<Map<String, String>> followed = new AtomicReference<>(Map.of());
    PolicyFollower follower =
        PolicyFollower.start(connection.configMaps(), "ip-sentry", followed::set);
    try {
      apply(
          gateway("public", "eg")
              + route("web", "public", "")
              + policy(
                  "p",
                  "Gateway",
                  "public",
                  "attach: auto\nfailOpen: false\ntimeout: 1s\nmode: shadow"));
      untilReason("p", "Programmed", "Programmed");
      String name = "gateway_" + namespace + "_public";
      assertThat(document(name)).isEqualTo("{\"mode\":\"shadow\"}");
      until("followed", () -> followed.get().containsKey(name));
      String object = "securitypolicy/" + objects("securitypolicies");
      assertThat(get(object, ".spec.extAuth.timeout")).isEqualTo("1s");
      assertThat(get(object, ".spec.extAuth.failOpen")).isEqualTo("false");
      assertThat(get(object, ".spec.extAuth.contextExtensions[0].value")).isEqualTo(name);
      assertThat(get(object, ".metadata.ownerReferences[0].name")).isEqualTo("p");
      until(
          "granted",
          () ->
              cluster
                  .kubectl()
                  .run("--namespace=sentry", "get", "referencegrants", "-o", "yaml")
                  .contains("namespace: " + namespace));

      String before = versions(object);
      PolicyDuty another = duty();
      try {
        until(
            "looked at by another",
            () -> {
              another.step(Duration.ofSeconds(1));
              return another.report().policies().stream()
                  .anyMatch(each -> each.name().equals(namespace + "/p"));
            });
      } finally {
        another.close();
      }
      assertThat(versions(object)).isEqualTo(before);

      // By hand changed: put right again.
      String ignored =
          kubectl.run(
              "patch",
              object,
              "--type=merge",
              "-p",
              "{\"spec\":{\"extAuth\":{\"timeout\":\"9s\"}}}");
      until("put right", () -> get(object, ".spec.extAuth.timeout").equals("1s"));

      ignored = kubectl.run("delete", "banpolicy", "p");
      until("removed", () -> objects("securitypolicies").isEmpty());
      until("not told any more", () -> document(name).isEmpty());
      until("followed to its end", () -> !followed.get().containsKey(name));
    } finally {
      follower.close();
    }
  }

  private String versions(String object) {
    return get("banpolicy/p", ".metadata.resourceVersion")
        + ' '
        + get(object, ".metadata.resourceVersion");
  }

  @Test
  void conflict_isTheOldersUntilItGoes_andOverridesMerge() {
    apply(
        gateway("public", "eg")
            + route("web", "public", "")
            + policy("a", "Gateway", "public", "thresholds: { threshold: 5, window: 1m }"));
    untilReason("a", "Accepted", "Accepted");
    apply(
        policy("b", "Gateway", "public", "thresholds: { threshold: 7 }")
            + policy("r", "HTTPRoute", "web", "thresholds: { threshold: 1 }\nscope: routes"));
    untilReason("b", "Accepted", "Conflicted");
    untilReason("r", "Accepted", "Accepted");
    assertThat(document("route_" + namespace + "_web"))
        .isEqualTo("{\"scoped\":true,\"thresholds\":{\"threshold\":1,\"window\":\"1m\"}}");
    String ignored = kubectl.run("delete", "banpolicy", "a");
    untilReason("b", "Accepted", "Accepted");
    until(
        "inherited from the other",
        () ->
            document("route_" + namespace + "_web")
                .equals("{\"scoped\":true,\"thresholds\":{\"threshold\":1}}"));
    assertThat(condition("r", "Programmed", "message")).contains("route_" + namespace + "_web");
  }

  @Test
  void otherNamespace_needsAGrant_andADeletedTargetIsTold() {
    String other = cluster.newNamespace();
    Kubectl there = cluster.kubectl().with("--namespace=" + other);
    String ignored =
        there.feed(gateway("public", "eg") + route("web", "public", ""), "apply", "-f", "-");
    apply(
        policy("p", "HTTPRoute", "web", "mode: enforce\nattach: auto")
            .replace("name: web }", "name: web, namespace: " + other + " }"));
    untilReason("p", "ResolvedRefs", "RefNotPermitted");
    assertThat(condition("p", "Accepted", "status")).isEqualTo("False");
    ignored =
        there.feed(
            """
            apiVersion: gateway.networking.k8s.io/v1beta1
            kind: ReferenceGrant
            metadata: { name: bans }
            spec:
              from: [{ group: ip-sentry.io, kind: BanPolicy, namespace: %s }]
              to: [{ group: gateway.networking.k8s.io, kind: HTTPRoute }]
            """
                .formatted(namespace),
            "apply",
            "-f",
            "-");
    untilReason("p", "Accepted", "Accepted");
    until("made there", () -> !there.run("get", "securitypolicies", "-o", "name").isEmpty());
    ignored = there.run("delete", "httproute", "web");
    untilReason("p", "Accepted", "TargetNotFound");
    until("removed there", () -> there.run("get", "securitypolicies", "-o", "name").isEmpty());
  }

  @Test
  void ancestorsOfOthers_areKept_andTheSeventeenthWaits() {
    apply(gateway("one", "eg") + gateway("two", "eg"));
    // Nothing is written to its status before it has a target that is there.
    StringBuilder foreign = new StringBuilder();
    for (int i = 0; i < 15; i++) {
      foreign.append(
          "%s{\"ancestorRef\":{\"name\":\"other-%d\"},\"controllerName\":\"example.com/other\"}"
              .formatted(i == 0 ? "" : ",", i));
    }
    apply(policy("p", "Gateway", "one", "mode: enforce"));
    untilReason("p", "Accepted", "Accepted");
    String ignored =
        kubectl.run(
            "patch",
            "banpolicy",
            "p",
            "--subresource=status",
            "--type=merge",
            "-p",
            "{\"status\":{\"ancestors\":[" + foreign + "]}}");
    ignored =
        kubectl.run(
            "patch",
            "banpolicy",
            "p",
            "--type=json",
            "-p",
            "[{\"op\":\"add\",\"path\":\"/spec/targetRefs/-\",\"value\":{\"group\":"
                + "\"gateway.networking.k8s.io\",\"kind\":\"Gateway\",\"name\":\"two\"}}]");
    until(
        "the last one says so",
        () ->
            get("banpolicy/p", ".status.ancestors[15].conditions[*].message")
                .contains("1 more ancestors have no room"));
    assertThat(get("banpolicy/p", ".status.ancestors[14].ancestorRef.name")).isEqualTo("other-14");
    assertThat(get("banpolicy/p", ".status.ancestors[15].ancestorRef.name")).isEqualTo("one");
  }

  @Test
  void everyGateway_getsItsOwnKind_andWhatIsNotCoveredIsTold() {
    apply(
        gateway("envoy", "eg")
            + gateway("nginx", "nginx")
            + gateway("edge", "traefik")
            + route("jwt", "envoy", "")
            + route("named", "edge", "")
            + policy("envoy", "Gateway", "envoy", "attach: auto")
            + policy("nginx", "Gateway", "nginx", "attach: auto")
            + policy("route", "HTTPRoute", "named", "attach: auto")
            + """
            ---
            apiVersion: gateway.envoyproxy.io/v1alpha1
            kind: SecurityPolicy
            metadata: { name: jwt }
            spec:
              targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: jwt }]
              cors: { allowOrigins: ["https://app.example"] }
            """);
    untilReason("envoy", "Programmed", "PartiallyProgrammed");
    assertThat(condition("envoy", "Programmed", "message")).contains("mergeType");
    untilReason("nginx", "Programmed", "Programmed");
    assertThat(get("snippetspolicy/" + objects("snippetspolicies"), ".spec.snippets[1].value"))
        .contains("/policies/gateway_" + namespace + "_nginx/forward-auth")
        .contains("proxy_intercept_errors on;");
    untilReason("route", "Programmed", "PartiallyProgrammed");
    String middleware = objects("middlewares");
    assertThat(get("middleware/" + middleware, ".spec.forwardAuth.address"))
        .isEqualTo(
            "http://ip-sentry-authz-server.sentry.svc:9002/policies/route_%s_named/forward-auth"
                .formatted(namespace));
    apply(
        route(
            "named",
            "edge",
            "{ type: ExtensionRef, extensionRef: { group: traefik.io, kind: Middleware, name: "
                + middleware
                + " } }"));
    untilReason("route", "Programmed", "Programmed");
  }

  @Test
  void invalid_isRefusedByTheDefinitionOrToldInTheStatus() {
    for (String spec :
        List.of(
            "failOpen: false",
            "mode: of",
            "thresholds: { threshold: 0 }",
            "thresholds: {}",
            "packs: [../secret]",
            "exempt: { addresses: ['file:/etc/hostname'] }",
            "rulse: [inline]",
            "denial: { status: 200 }")) {
      assertThat(attempted(policy("p", "Gateway", "g", spec))).as(spec).isNotZero();
    }
    assertThat(attempted(policy("p", "Service", "g", "mode: shadow"))).isNotZero();
    apply(gateway("g", "eg") + policy("typo", "Gateway", "g", "rules: [inlien]\nattach: auto"));
    untilReason("typo", "Accepted", "Invalid");
    assertThat(condition("typo", "Accepted", "message")).contains("did you mean inline");
    assertThat(objects("securitypolicies")).isEmpty();
  }

  private int attempted(String yaml) {
    try {
      String ignored =
          kubectl.feed(yaml, "apply", "--dry-run=server", "--validate=strict", "-f", "-");
      return 0;
    } catch (IllegalStateException e) {
      return 1;
    }
  }

  @Test
  void examples_areTaken() {
    for (String each : List.of("gateway.yaml", "route.yaml")) {
      String taken =
          cluster
              .kubectl()
              .run(
                  "create",
                  "--dry-run=client",
                  "--validate=strict",
                  "-f",
                  "../docs/examples/policies/" + each);
      assertThat(taken).contains("created");
    }
  }
}
