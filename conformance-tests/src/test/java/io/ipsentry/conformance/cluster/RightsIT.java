package io.ipsentry.conformance.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.conformance.pods.GatewayPods;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningAgent;
import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningEnforcer;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The rights that the chart gives to each process are those that it needs, and no more. Real
 * processes as the chart's service accounts go each way once at a real API server, whose audit log
 * is then compared with the rules, one by one.
 */
@RequiresRoot
@RequiresCluster
@RequiresProgram({"ip", "ipset", "iptables-legacy", "openssl"})
final class RightsIT {
  private static final String WATCHER = "ip-sentry-watcher";
  private static final String AUTHZ_SERVER = "ip-sentry-authz-server";

  /** The agent's too, which is in the same pod. */
  private static final String ENFORCER = "ip-sentry-enforcer";

  private static final String RULES =
      """
      rules:
        - { name: probing, match: { paths: ['^/\\.env'] }, threshold: 3, window: 2m, ban: 24h }
        - { name: asked, on: request, match: { paths: ['^/\\.git'] }, threshold: 2, window: 2m, ban: 24h }
      """;

  private static final String GATEWAYS =
      """
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata:
        name: gateways.gateway.networking.k8s.io
        annotations: { api-approved.kubernetes.io: unapproved }
      spec:
        group: gateway.networking.k8s.io
        scope: Namespaced
        names: { kind: Gateway, plural: gateways, singular: gateway }
        versions:
          - name: v1
            served: true
            storage: true
            schema:
              openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true }
      """;

  @TempDir private static Path directory;

  private static TestCluster cluster;
  private static GatewayPods gateways;
  private static ChartInCluster release;
  private static CertificateAuthority authority;
  private static CertificateAuthority.Issued certificate;
  private static List<Access> accesses;

  @BeforeAll
  static void goEachWayOnce() throws Exception {
    // Of its own, for the Gateway API is there for all of it.
    cluster = TestCluster.start(own("cluster"));
    String defined = cluster.kubectl().feed(GATEWAYS, "apply", "--server-side", "-f", "-");
    String established =
        cluster
            .kubectl()
            .run("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s");
    assertThat(defined + established).contains("condition met");
    gateways = new GatewayPods(cluster, 1);
    release = ChartInCluster.in(cluster, gateways.namespace());
    authority = CertificateAuthority.create(directory, "ca");
    certificate = authority.issue("watcher", "IP:127.0.0.1");
    go();
    accesses = Access.of(cluster);
  }

  @AfterAll
  static void end() {
    gateways.close();
    cluster.close();
  }

  private static void go() throws Exception {
    leaveWorkForALeader();
    NodeLogs web = NodeLogs.create(own("n"), "web-0");
    try (RunningWatcher first = watcher("a", "neverBan: [192.0.2.1]\n")) {
      until("the first leads", first::leads);
      try (NetworkNamespace node = NetworkNamespace.create("node");
          Relay _ = Relay.start(node, cluster.uri().getPort());
          RunningWatcher second = watcher("b", "neverBan: [192.0.2.2]\n");
          RunningAuthzServer gateway =
              RunningAuthzServer.start(own("g"), List.of(), RULES + followerOf("g", AUTHZ_SERVER));
          RunningAgent agent = agent();
          RunningEnforcer enforcer =
              RunningEnforcer.launch(
                  node,
                  own("e"),
                  List.of(),
                  "enforcer: { backend: ipset }\n" + followerOf("e", ENFORCER))) {
        first.probe("203.0.113.7", 3);
        until("banned by a log", () -> bans(second).contains("203.0.113.7"));
        byHand(first);
        people(second);
        byRequests(gateway, first);
        byALogOfANode(web, first);
        byALogOfAPod(first);
        until("enforced", () -> isEnforced(node, "203.0.113.7"));
        until(
            "old parts of the log deleted",
            () -> first.log().contains("compacted parts of the log deleted"));
        assertThat(first.stop()).isZero();
        until("the second leads", second::leads);
        second.probe("203.0.113.8", 3);
        until("banned by the second", () -> bans(second).contains("203.0.113.8"));
        until("told by the second", () -> protectedPrefixes().contains("192.0.2.2"));
        until(
            "known everywhere",
            () -> gateway.ask("203.0.113.8", "/") == 403 && isEnforced(node, "203.0.113.8"));
        assertThat(enforcer.stop()).isZero();
        assertThat(agent.stop()).isZero();
        assertThat(gateway.stop()).isZero();
        assertThat(second.stop()).isZero();
      }
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(
          "a way that does not lead on; refused until then: " + refused(Access.of(cluster)), e);
    }
  }

  private static List<Access> refused(List<Access> all) {
    return all.stream()
        .filter(
            access -> access.refused() && access.user().contains(":" + release.namespace() + ":"))
        .distinct()
        .toList();
  }

  /** A log as earlier leaders leave it: with snapshots, one of them too old, and a feed. */
  private static void leaveWorkForALeader() {
    try (ClusterLog log = new ClusterLog(cluster, release.namespace(), "ip-sentry")) {
      for (int last = 1; last <= 3; last++) {
        log.ban("203.0.113." + last);
        log.compact();
      }
      log.feed("drop-list", "198.51.100.0/24");
    }
  }

  private static Path own(String name) throws IOException {
    return Files.createDirectories(directory.resolve(name));
  }

  private static RunningWatcher watcher(String name, String more) throws IOException {
    Path own = own(name);
    return RunningWatcher.start(
        own,
        "{ kubernetes: { kubeconfig: %s }, leader: { lease: 3s, ca: %s, tokenFile: %s, "
                .formatted(
                    release.kubeconfig(own, WATCHER),
                    authority.certificate(),
                    release.token(own, WATCHER))
            + "advertise: \"127.0.0.1:%d\" } }",
        "{ name: gateway, pods: { namespace: %s, selector: %s, container: %s } }"
            .formatted(gateways.namespace(), GatewayPods.SELECTOR, GatewayPods.CONTAINER),
        "tls: { certificate: %s, key: %s }\n"
            .formatted(certificate.certificate(), certificate.key()),
        RULES + more);
  }

  private static String followerOf(String name, String account) throws IOException {
    Path own = own(name);
    return "store: { kubernetes: { kubeconfig: %s }, leader: { ca: %s, tokenFile: %s } }\n"
        .formatted(
            release.kubeconfig(own, account), authority.certificate(), release.token(own, account));
  }

  /** An edit that is taken, and one that is refused and told. */
  private static void byHand(RunningWatcher leader) {
    edit(
        "{\\\"203.0.113.9\\\":{\\\"expires_at\\\":\\\"2099-01-01T00:00:00Z\\\",\\\"reason\\\":\\\"by"
            + " hand\\\"}}");
    until("banned by hand", () -> bans(leader).contains("203.0.113.9"));
    edit("no JSON");
    until(
        "told",
        () -> release.kubectl().run("get", "events", "-o", "wide").contains("ip-sentry-blocklist"));
  }

  private static void edit(String document) {
    String ignored =
        release
            .kubectl()
            .run(
                "patch",
                "configmap",
                "ip-sentry-blocklist",
                "--type=merge",
                "-p",
                "{\"data\":{\"blocklist.json\":\"" + document + "\"}}");
  }

  /** By a token and by a certificate, at a standby, which passes a change on. */
  private static void people(RunningWatcher standby) {
    Kubectl admin = release.kubectl();
    CertificateAuthority.Issued ann = cluster.clientCertificate("ann", "people");
    String bound =
        admin.run(
                "create",
                "rolebinding",
                "ann",
                "--clusterrole=" + release.clusterRole("operator"),
                "--user=ann")
            + admin.run("create", "serviceaccount", "bob")
            + admin.run(
                "create",
                "rolebinding",
                "bob",
                "--clusterrole=" + release.clusterRole("operator"),
                "--serviceaccount=" + release.namespace() + ":bob");
    assertThat(bound).contains("created");
    Path byCertificate =
        release.kubeconfig(
            directory,
            "ann",
            "client-certificate: %s, client-key: %s".formatted(ann.certificate(), ann.key()));
    Path byToken = release.kubeconfig(directory, "bob");
    for (Path me : List.of(byCertificate, byToken)) {
      IpSentry.Result banned =
          IpSentry.run(
              "ban",
              "203.0.113.10",
              "--server",
              standby.address(),
              "--ca",
              authority.certificate().toString(),
              "--kubeconfig",
              me.toString());
      assertThat(banned.exitCode()).as(banned.err()).isZero();
    }
  }

  private static void byRequests(RunningAuthzServer gateway, RunningWatcher leader) {
    until("refused", () -> gateway.ask("203.0.113.11", "/.git/config") == 403);
    until("banned by requests", () -> bans(leader).contains("203.0.113.11"));
  }

  private static String probe(String address) {
    return address + " - - [26/Nov/2026:10:00:00 +0000] \"GET /.env HTTP/1.1\" 404 153 \"-\" \"-\"";
  }

  /** In which the time of the runtime is the one that counts. */
  private static void byALogOfANode(NodeLogs web, RunningWatcher leader) throws IOException {
    for (int i = 0; i < 3; i++) {
      String ignored = web.write(probe("203.0.113.12"));
    }
    until("banned by an agent's hits", () -> bans(leader).contains("203.0.113.12"));
  }

  private static void byALogOfAPod(RunningWatcher leader) {
    gateways.create(List.of("gw-0"));
    for (int i = 0; i < 3; i++) {
      gateways.log("gw-0").write(Instant.now(), probe("203.0.113.13"));
    }
    until("banned by the log of a pod", () -> bans(leader).contains("203.0.113.13"));
  }

  private static RunningAgent agent() throws IOException {
    String sources =
        "sources: [{ name: web, file: \"%s\", format: combined, reader: agent }]\n"
            .formatted(NodeLogs.glob(own("n")));
    return RunningAgent.start(own("n"), List.of(), sources + RULES + followerOf("n", ENFORCER));
  }

  private static String protectedPrefixes() {
    return release.kubectl().run("get", "configmap", "ip-sentry-protected", "-o", "yaml");
  }

  private static boolean isEnforced(NetworkNamespace node, String address) {
    try {
      return !node.run("ipset", "test", "ip-blocker-4", address).isEmpty();
    } catch (IllegalStateException e) {
      return false;
    }
  }

  private static List<String> bans(RunningWatcher watcher) {
    return watcher.history().stream()
        .map(SequencedEvent::event)
        .filter(BanEvent.Ban.class::isInstance)
        .map(event -> ((BanEvent.Ban) event).ip().toString())
        .toList();
  }

  private static void until(String what, Callable<Boolean> condition) {
    await(what).atMost(RunningIpSentry.PATIENCE).until(condition);
  }

  private static List<Access> by(String account) {
    String user = "system:serviceaccount:" + release.namespace() + ":" + account;
    return accesses.stream().filter(access -> access.user().equals(user)).toList();
  }

  private static List<Right> rights(String account) {
    return Right.of(release.chart(), release.namespace(), account);
  }

  @ParameterizedTest
  @ValueSource(strings = {WATCHER, AUTHZ_SERVER, ENFORCER})
  void rights_thatAreGiven_areUsed(String account) {
    List<Right> unused = new ArrayList<>(rights(account));
    assertThat(unused).as("rights of " + account).isNotEmpty();
    for (Access access : by(account)) {
      unused.removeIf(right -> right.covers(access));
    }
    assertThat(unused).as("given to " + account + ", and not used").isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {WATCHER, AUTHZ_SERVER, ENFORCER})
  void rights_thatAreUsed_areGiven(String account) {
    assertThat(by(account)).as("accesses of " + account).isNotEmpty();
    assertThat(by(account)).filteredOn(Access::refused).as("refused to " + account).isEmpty();
  }

  /** Roles of the cluster itself, which the chart binds and cannot cut. */
  @Test
  void rolesOfTheCluster_thatAreBound_areUsed() {
    assertThat(by(WATCHER))
        .extracting(Access::verb, Access::resource)
        .contains(tuple("create", "tokenreviews"), tuple("create", "subjectaccessreviews"));
    assertThat(by(WATCHER))
        .filteredOn(access -> access.namespace().equals("kube-system"))
        .extracting(Access::verb, Access::name)
        .contains(tuple("get", "extension-apiserver-authentication"));
  }
}
