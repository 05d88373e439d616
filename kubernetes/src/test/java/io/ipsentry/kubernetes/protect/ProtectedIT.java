package io.ipsentry.kubernetes.protect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.config.ClusterStoreConfig.LeaderConfig;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What must never be banned, from a real API server and back to it. */
@RequiresCluster
final class ProtectedIT {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final TestCluster cluster = TestCluster.shared();
  private final String namespace = cluster.newNamespace();
  private final Kubectl kubectl = cluster.kubectl().with("--namespace=" + namespace);

  private ClusterConnection connect(Path kubeconfig) {
    return ClusterConnection.open(
        new ClusterStoreConfig(
            "edge",
            Optional.of(namespace),
            Optional.of(kubeconfig),
            Optional.empty(),
            LeaderConfig.DEFAULT));
  }

  private static Optional<Protection> protects(List<Part> parts, String address) {
    return ProtectedPrefixes.of(parts).protects(IpPrefix.parse(address));
  }

  @Test
  void read_nodesAndServices_areFoundByWhatTheyAre() {
    String node = "node-" + namespace;
    String made =
        kubectl.feed(
            """
            apiVersion: v1
            kind: Node
            metadata: { name: %s }
            spec: { podCIDR: 100.77.0.0/24, podCIDRs: [100.77.0.0/24, "2001:db8:77::/64"] }
            ---
            apiVersion: v1
            kind: Service
            metadata: { name: web }
            spec:
              type: LoadBalancer
              externalIPs: [192.0.2.200]
              ports: [{ port: 80 }]
            ---
            apiVersion: v1
            kind: Service
            metadata: { name: headless }
            spec: { clusterIP: None, ports: [{ port: 80 }] }
            """
                .formatted(node),
            "apply",
            "-f",
            "-");
    assertThat(made).contains(node);
    String patched =
        kubectl.run(
            "patch",
            "node",
            node,
            "--subresource=status",
            "--type=merge",
            "-p",
            "{\"status\":{\"addresses\":[{\"type\":\"ExternalIP\",\"address\":\"192.0.2.77\"},"
                + "{\"type\":\"Hostname\",\"address\":\"worker\"}]}}");
    String balanced =
        kubectl.run(
            "patch",
            "service",
            "web",
            "--subresource=status",
            "--type=merge",
            "-p",
            "{\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"192.0.2.88\"},"
                + "{\"hostname\":\"lb.example\"}]}}}");
    assertThat(patched + balanced).contains("patched");
    String clusterIp = kubectl.run("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}");
    try (ClusterConnection connection = connect(cluster.kubeconfig())) {
      List<Part> parts = new ClusterAddresses(connection).read();

      assertThat(protects(parts, "192.0.2.77").orElseThrow().detail()).isEqualTo("node");
      assertThat(protects(parts, "100.77.0.9").orElseThrow().detail()).isEqualTo("pod network");
      assertThat(protects(parts, "2001:db8:77::1")).isPresent();
      assertThat(protects(parts, "192.0.2.88").orElseThrow().detail()).isEqualTo("load balancer");
      assertThat(protects(parts, clusterIp).orElseThrow().detail()).isEqualTo("service");
      assertThat(protects(parts, "192.0.2.200")).isEmpty();
    } finally {
      String ignored = kubectl.run("delete", "node", node);
    }
  }

  /** As the Gateway API defines it, as far as it matters here. */
  private static final String GATEWAYS =
      """
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata:
        name: gateways.gateway.networking.k8s.io
        annotations: { api-approved.kubernetes.io: "https://github.com/kubernetes-sigs/gateway-api" }
      spec:
        group: gateway.networking.k8s.io
        names: { kind: Gateway, listKind: GatewayList, plural: gateways, singular: gateway }
        scope: Namespaced
        versions:
          - name: v1
            served: true
            storage: true
            subresources: { status: {} }
            schema:
              openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true }
      """;

  @Test
  void step_addressesComeAndGo_areToldToEverybody() throws Exception {
    String node = "node-" + namespace;
    AtomicReference<List<Part>> found = new AtomicReference<>(List.of());
    try (ClusterConnection connection = connect(cluster.kubeconfig())) {
      String crd = kubectl.feed(GATEWAYS, "apply", "-f", "-");
      String known =
          kubectl.run(
              "wait",
              "--for=condition=Established",
              "crd/gateways.gateway.networking.k8s.io",
              "--timeout=30s");
      assertThat(crd + known).contains("condition met");
      ProtectedConfigMap map = new ProtectedConfigMap(connection.configMaps(), "edge");
      ProtectedDuty duty =
          new ProtectedDuty(
              map,
              new ClusterAddresses(connection),
              found::set,
              () -> ProtectedPrefixes.of(found.get()),
              System::nanoTime);
      AtomicBoolean over = new AtomicBoolean();
      Thread leader = Thread.ofVirtual().start(() -> stepUntil(duty, over));
      try {
        await().atMost(SOON).until(() -> map.read().isPresent());
        String made =
            kubectl.feed(
                """
                apiVersion: v1
                kind: Node
                metadata: { name: %s }
                ---
                apiVersion: gateway.networking.k8s.io/v1
                kind: Gateway
                metadata: { name: web }
                spec: { gatewayClassName: any, addresses: [{ value: 192.0.2.99 }] }
                """
                    .formatted(node),
                "apply",
                "-f",
                "-");
        assertThat(made).contains("web");
        address("node/" + node, "{\"type\":\"InternalIP\",\"address\":\"192.0.2.66\"}");
        awaitTold(map, "192.0.2.66", "node");
        address(
            "gateways.gateway.networking.k8s.io/web",
            "{\"type\":\"IPAddress\",\"value\":\"192.0.2.98\"},"
                + "{\"type\":\"Hostname\",\"value\":\"lb.example\"}");
        awaitTold(map, "192.0.2.98", "gateway");
        // What somebody asks for is not what he got.
        assertThat(protects(map.read().orElseThrow(), "192.0.2.99")).isEmpty();

        String deleted = kubectl.run("delete", "node/" + node, "gateway/web");
        assertThat(deleted).contains("deleted");
        await()
            .atMost(SOON)
            .until(() ->
                protects(map.read().orElseThrow(), "192.0.2.66").isEmpty()
                    && protects(map.read().orElseThrow(), "192.0.2.98").isEmpty());
      } finally {
        over.set(true);
        leader.join();
        duty.close();
      }
    } finally {
      var ignored = kubectl.attempt("delete", "node", node);
    }
  }

  @Test
  void wake_whileADutyWaits_tellsWhatIsProtectedNow() throws Exception {
    AtomicReference<List<Part>> more = new AtomicReference<>(List.of());
    try (ClusterConnection connection = connect(cluster.kubeconfig())) {
      ProtectedConfigMap map = new ProtectedConfigMap(connection.configMaps(), "cdn");
      ProtectedDuty duty =
          new ProtectedDuty(
              map,
              new ClusterAddresses(connection),
              found -> {},
              () -> ProtectedPrefixes.of(more.get()),
              System::nanoTime);
      Thread leader = Thread.ofVirtual().unstarted(() -> waitOn(duty));
      try {
        leader.start();
        await().atMost(SOON).until(() -> map.read().isPresent());
        more.set(List.of(new Part(Protection.Kind.CDN, "edge", PrefixSet.parse("192.0.2.0/25"))));
        await()
            .atMost(SOON)
            .until(() -> {
              // The first of its waits may not have begun.
              duty.wake();
              return protects(map.read().orElseThrow(), "192.0.2.7")
                  .filter(reason -> reason.kind() == Protection.Kind.CDN)
                  .isPresent();
            });
        assertThat(protects(map.read().orElseThrow(), "192.0.2.7").orElseThrow().toString())
            .isEqualTo("CDN range 192.0.2.0/25 (edge)");
      } finally {
        leader.interrupt();
        leader.join();
        duty.close();
      }
    }
  }

  /** Steps of an hour each: what it does, it does because it was woken. */
  private static void waitOn(ProtectedDuty duty) {
    try {
      while (true) {
        duty.step(Duration.ofHours(1));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void stepUntil(ProtectedDuty duty, AtomicBoolean over) {
    try {
      while (!over.get()) {
        duty.step(Duration.ofSeconds(1));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void address(String object, String addresses) {
    String patched =
        kubectl.run(
            "patch",
            object,
            "--subresource=status",
            "--type=merge",
            "-p",
            "{\"status\":{\"addresses\":[" + addresses + "]}}");
    assertThat(patched).contains("patched");
  }

  private static void awaitTold(ProtectedConfigMap map, String address, String what) {
    long begun = System.nanoTime();
    await()
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(20))
        .until(() ->
            protects(map.read().orElseThrow(), address)
                .filter(protection -> protection.detail().equals(what))
                .isPresent());
    System.out.printf("%s is told after %d ms%n", what, (System.nanoTime() - begun) / 1_000_000);
  }

  @Test
  void read_withoutRights_findsNothingAndGoesOn() {
    String made = kubectl.run("create", "serviceaccount", "nobody");
    assertThat(made).contains("created");
    try (ClusterConnection connection = connect(cluster.kubeconfig())) {
      connection
          .client()
          .getConfiguration()
          .setOauthToken(kubectl.run("create", "token", "nobody").strip());
      ClusterAddresses addresses = new ClusterAddresses(connection);
      assertThat(addresses.read()).isEmpty();
      assertThat(addresses.read()).isEmpty();
    }
  }

  @Test
  void write_changedAndDeleted_isFollowedAndNeverGivenUp() {
    List<Part> first = List.of(Part.of(Protection.Kind.NEVER_BAN, PrefixSet.parse("192.0.2.1")));
    List<Part> second = List.of(Part.of(Protection.Kind.NEVER_BAN, PrefixSet.parse("192.0.2.2")));
    List<List<Part>> told = new ArrayList<>();
    try (ClusterConnection connection = connect(cluster.kubeconfig())) {
      ProtectedConfigMap map = new ProtectedConfigMap(connection.configMaps(), "edge");
      assertThat(map.read()).isEmpty();
      try (ProtectedFollower follower =
          ProtectedFollower.start(
              connection.configMaps(),
              "edge",
              now -> {
                synchronized (told) {
                  told.add(now);
                }
              },
              Duration.ofSeconds(1),
              System::nanoTime)) {
        await().atMost(SOON).until(follower::isRead);
        assertThat(map.write(first)).isTrue();
        assertThat(map.write(first)).isFalse();
        await().atMost(SOON).until(() -> follower.parts().equals(first));
        String deleted = kubectl.run("delete", "configmap", "edge-protected");
        assertThat(deleted).contains("deleted");
        assertThat(map.write(second)).isTrue();
        await().atMost(SOON).until(() -> follower.parts().equals(second));
        String broken =
            kubectl.run(
                "patch",
                "configmap",
                "edge-protected",
                "--type=merge",
                "-p",
                "{\"data\":{\"prefixes\":\"nonsense\"}}");
        assertThat(broken).contains("patched");
        await().atMost(SOON).until(() -> follower.problem().contains("edge-protected"));
        assertThat(follower.parts()).isEqualTo(second);
        assertThat(map.write(first)).isTrue();
        await().atMost(SOON).until(() -> follower.parts().equals(first));
      }
    }
    synchronized (told) {
      // What is told no more is protected a while longer.
      assertThat(told)
          .containsExactly(
              first,
              List.of(second.getFirst(), first.getFirst()),
              second,
              List.of(first.getFirst(), second.getFirst()),
              first);
    }
  }

  /** Long before the duty looks by itself. */
  @Test
  void step_overwrittenOrDeletedBySomebody_isWrittenAgain() throws Exception {
    List<Part> right = List.of(Part.of(Protection.Kind.NEVER_BAN, PrefixSet.parse("192.0.2.1")));
    try (ClusterConnection connection = connect(cluster.kubeconfig())) {
      ProtectedConfigMap map = new ProtectedConfigMap(connection.configMaps(), "edge");
      ProtectedDuty duty =
          new ProtectedDuty(
              map,
              new ClusterAddresses(connection),
              _ -> {},
              () -> ProtectedPrefixes.of(right),
              System::nanoTime);
      AtomicBoolean over = new AtomicBoolean();
      Thread leader = Thread.ofVirtual().start(() -> stepUntil(duty, over));
      try {
        await().atMost(SOON).until(() -> map.read().isPresent());
        for (String text : List.of("", "198.51.100.1/32 never-ban\\n", "nonsense")) {
          String patched =
              kubectl.run(
                  "patch",
                  "configmap",
                  "edge-protected",
                  "--type=merge",
                  "-p",
                  "{\"data\":{\"prefixes\":\"" + text + "\"}}");
          assertThat(patched).contains("patched");
          await()
              .atMost(SOON)
              .ignoreExceptionsInstanceOf(BanLogException.class)
              .until(() -> isSaid(map, right));
        }
        String deleted = kubectl.run("delete", "configmap", "edge-protected");
        assertThat(deleted).contains("deleted");
        await().atMost(SOON).until(() -> isSaid(map, right));
      } finally {
        over.set(true);
        leader.join();
        duty.close();
      }
    }
  }

  private static boolean isSaid(ProtectedConfigMap map, List<Part> parts) {
    return map.read().filter(parts::equals).isPresent();
  }

  @Test
  void write_many_isCompressedAndTooManyAreRefused() {
    try (ClusterConnection connection = connect(cluster.kubeconfig())) {
      ProtectedConfigMap map = new ProtectedConfigMap(connection.configMaps(), "edge");
      List<Part> many = List.of(Part.of(Protection.Kind.NEVER_BAN, random(50_000)));
      assertThat(map.write(many)).isTrue();
      assertThat(map.read().orElseThrow()).isEqualTo(many);
      List<Part> tooMany = List.of(Part.of(Protection.Kind.NEVER_BAN, random(1_000_000)));
      assertThatThrownBy(() -> map.write(tooMany))
          .isInstanceOf(BanLogException.class)
          .hasMessageContaining("write fewer, wider prefixes");
      assertThat(map.read().orElseThrow()).isEqualTo(many);
    }
  }

  private static PrefixSet random(int count) {
    Random random = new Random(count);
    List<IpPrefix> prefixes = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      prefixes.add(IpPrefix.ofV4(random.nextInt()));
    }
    return PrefixSet.of(prefixes);
  }
}
