package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.sun.net.httpserver.HttpServer;
import io.ipsentry.authz.admin.AdminCallers;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.authz.admin.AdminTcp;
import io.ipsentry.authz.admin.ClusterAccess;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.authz.checks.CheckServiceEndpoint;
import io.ipsentry.authz.verdict.PathHash;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.Protection;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.cli.CommandRun.Said;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.proto.v1.CheckServiceGrpc;
import io.ipsentry.proto.v1.CheckedRequest;
import io.ipsentry.proto.v1.ClusterStatus;
import io.ipsentry.proto.v1.ConfigStatus;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.LeaderDuty;
import io.ipsentry.proto.v1.SeenAs;
import io.ipsentry.proto.v1.TellChecksRequest;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code doctor} at a release in a real API server, with every finding provoked. What pods would
 * serve (metrics, logs, the admin API), this test serves, through the API server's ways to pods.
 */
@RequiresCluster
@RequiresProgram("openssl")
final class ClusterDoctorIT {
  private static final Path RIGHTS = Path.of("../docs/examples/cluster-rbac.yaml");

  /** When the lines of gateways were written. */
  private static final Instant LOGGED = Instant.parse("2026-11-21T07:00:00Z");

  private final Path directory;
  private final CommandRun commands;
  private final TestCluster cluster = TestCluster.shared();
  private final String namespace = cluster.newNamespace();
  private final Kubectl kubectl = cluster.kubectl().with("--namespace=" + namespace);
  private final String node = namespace + "-node";
  private final PortForwardingKubelet kubelet;
  private final List<HttpServer> metrics = new ArrayList<>();
  private final InMemoryBanLog log = new InMemoryBanLog();
  private final LogBanOperations operations;
  private final AdminServer admin;
  private volatile ProtectedPrefixes protection = ProtectedPrefixes.of(List.of());
  private Duration skew = Duration.ZERO;
  private GetStatusResponse status = GetStatusResponse.getDefaultInstance();

  ClusterDoctorIT(@TempDir Path directory) throws IOException {
    this.directory = directory;
    commands = new CommandRun(directory);
    commands.now.set(Instant.now());
    commands.environment.put(
        "IP_SENTRY_CONFIG", Files.createFile(directory.resolve("empty.yaml")).toString());
    kubelet =
        new PortForwardingKubelet(
            CertificateAuthority.create(directory, "nodes").issue("kubelet", "IP:127.0.0.1"));
    kubectl.feed(kubelet.node(node), "create", "-f", "-");
    operations =
        new LogBanOperations(
            log,
            log,
            new BanWriter(log, new ActiveBans(), commands.now::get, event -> {}),
            () -> protection,
            commands.now::get);
    admin =
        AdminServer.builder(operations, () -> status)
            .service(new CheckServiceEndpoint(List::of))
            .tcp(
                new AdminTcp(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                    Optional.empty(),
                    () -> new AdminCallers(List.of(), false),
                    Optional.of(new Everybody())))
            .start(directory.resolve("admin.sock"));
  }

  /** A cluster in which everybody may do everything. */
  private static final class Everybody implements ClusterAccess {
    @Override
    public Answer token(String token, String verb) {
      return new Answer.Granted("ann");
    }

    @Override
    public Answer certificate(List<X509Certificate> chain, String verb) {
      return new Answer.Granted("ann");
    }
  }

  @AfterEach
  void close() {
    admin.close();
    kubelet.close();
    metrics.forEach(server -> server.stop(0));
    // Others would find its gateways, too.
    kubectl.attempt(
        "delete", "pods,services", "--all", "--force", "--grace-period=0", "--wait=false");
    kubectl.attempt("delete", "node", node);
  }

  // ---- what is there

  /** An address of this host that the API server takes for a pod's. */
  private static String ownAddress() throws IOException {
    return NetworkInterface.networkInterfaces()
        .flatMap(NetworkInterface::inetAddresses)
        .filter(address ->
            address instanceof Inet4Address
                && !address.isLoopbackAddress()
                && !address.isLinkLocalAddress())
        .map(InetAddress::getHostAddress)
        .findFirst()
        .orElseThrow(() -> new AssertionError("this host has no address but the loopback"));
  }

  private void pod(String name, String labels, String ports, boolean ready) throws IOException {
    pod(name, labels, ports, ready, ownAddress());
  }

  private void pod(String name, String labels, String ports, boolean ready, String ip) {
    kubectl.feed(
        """
        apiVersion: v1
        kind: Pod
        metadata: { name: %s, labels: { %s } }
        spec:
          nodeName: %s
          automountServiceAccountToken: false
          serviceAccountName: ip-sentry-%s
          containers: [{ name: main, image: some, ports: [%s] }]
          volumes:
            - name: config
              configMap:
                name: ip-sentry-config
                optional: true
                items: [{ key: watcher.yaml, path: ip-sentry.yaml }]
        """
            .formatted(
                name, labels, node, labels.contains("watcher") ? "watcher" : "reader", ports),
        "create",
        "-f",
        "-");
    kubectl.run(
        "patch",
        "pod",
        name,
        "--subresource=status",
        "--type=merge",
        "--patch",
        ("{\"status\":{\"phase\":\"Running\",\"podIP\":\"%1$s\",\"podIPs\":[{\"ip\":\"%1$s\"}],"
                + "\"containerStatuses\":[{\"name\":\"main\",\"image\":\"some\",\"imageID\":\"\","
                + "\"ready\":true,\"restartCount\":%2$d}],"
                + "\"conditions\":[{\"type\":\"Ready\",\"status\":\"%3$s\"}]}}")
            .formatted(ip, ready ? 0 : 9, ready ? "True" : "False"));
  }

  /** The configuration of the watchers. */
  private void config(String yaml) throws IOException {
    Path file =
        Files.writeString(
            directory.resolve("watcher.yaml"),
            yaml + "store: { kubernetes: {}, leader: { tokenFile: /nowhere/token } }\n");
    kubectl.run("create", "configmap", "ip-sentry-config", "--from-file=watcher.yaml=" + file);
  }

  /** A source of pods of this test. */
  private String source(String name, String selector) {
    return "  - { name: %s, format: combined, pods: { namespace: %s, selector: \"%s\" } }\n"
        .formatted(name, namespace, selector);
  }

  /**
   * An authz-server tells that it judged a request of a client, when the lines of gateways were
   * written.
   */
  private void checked(String client, String target) {
    IpPrefix address = IpPrefix.parse(client);
    AdminChannel channel =
        AdminChannel.open(new AdminEndpoint.Socket(directory.resolve("admin.sock")));
    try {
      var ignored =
          CheckServiceGrpc.newBlockingStub(channel.channel())
              .tell(
                  TellChecksRequest.newBuilder()
                      .setServer("authz-1")
                      .addChecks(
                          CheckedRequest.newBuilder()
                              .setAt(WireMessages.toProto(LOGGED))
                              .setHost("shop.example")
                              .setPathHash(PathHash.of(target))
                              .setAddress(
                                  ByteString.copyFrom(
                                      ByteBuffer.allocate(16)
                                          .putLong(address.hi())
                                          .putLong(address.lo())
                                          .flip()))
                              .setSeenAs(SeenAs.SEEN_AS_FORWARDED))
                      .build());
    } finally {
      channel.close();
    }
  }

  /** A process of the release, and what it says of itself. */
  private void process(String component, boolean ready, String... samples) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress(ownAddress(), 0), 0);
    byte[] text = (String.join("\n", samples) + "\n").getBytes(StandardCharsets.UTF_8);
    server.createContext(
        "/metrics",
        exchange -> {
          exchange.sendResponseHeaders(200, text.length);
          exchange.getResponseBody().write(text);
          exchange.close();
        });
    server.start();
    metrics.add(server);
    pod(
        component + "-" + metrics.size(),
        "app.kubernetes.io/name: ip-sentry, app.kubernetes.io/instance: ip-sentry,"
            + " app.kubernetes.io/component: "
            + component,
        "{ name: metrics, containerPort: %d }, { name: admin, containerPort: %d }"
            .formatted(server.getAddress().getPort(), admin.port()),
        ready);
  }

  private void accounts() {
    kubectl.run("create", "serviceaccount", "ip-sentry-watcher");
    kubectl.run("create", "serviceaccount", "ip-sentry-reader");
  }

  /** Where nobody listens. */
  private static int closedPort() throws IOException {
    try (ServerSocket free = new ServerSocket(0)) {
      return free.getLocalPort();
    }
  }

  /** The rights of the example, for this namespace. */
  private void rights() throws IOException {
    String all =
        Files.readString(RIGHTS)
            .replace("namespace: ip-sentry }", "namespace: " + namespace + " }")
            .replace("namespace: nginx-gateway-fabric", "namespace: " + namespace)
            .replaceAll(
                "(kind: (?:ClusterRoleBinding|RoleBinding)\nmetadata: \\{ name: [a-z-]+)",
                "$1-" + namespace);
    cluster.kubectl().feed(all, "apply", "-f", "-");
  }

  private void lease(String holder, Instant renewed, boolean address) {
    kubectl.feed(
        """
        apiVersion: coordination.k8s.io/v1
        kind: Lease
        metadata: { name: ip-sentry-watcher, annotations: { %s } }
        spec: { holderIdentity: "%s", leaseDurationSeconds: 15, renewTime: "%s" }
        """
            .formatted(
                address ? "ip-sentry.io/address: \"192.0.2.1:9004\"" : "",
                holder,
                renewed.toString().replaceAll("(\\.\\d{6})?\\d*Z", "$1Z")),
        "apply",
        "-f",
        "-");
  }

  private void protectedPrefixes(String... lines) {
    kubectl.feed(
        """
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: ip-sentry-protected
          labels: { ip-sentry.io/log: ip-sentry, ip-sentry.io/part: protected }
        data:
          prefixes: |
        """
            + Arrays.stream(lines).map(line -> "    " + line + "\n").collect(Collectors.joining()),
        "apply",
        "-f",
        "-");
  }

  private void gateway(String name, String policy, String log) throws IOException {
    gateway(name, "app.kubernetes.io/name: traefik", policy, log);
  }

  private void gateway(String name, String label, String policy, String log) throws IOException {
    pod(name, label + ", which: " + name, "", true);
    kubectl.feed(
        """
        apiVersion: v1
        kind: Service
        metadata: { name: %1$s }
        spec:
          type: LoadBalancer
          externalTrafficPolicy: %2$s
          selector: { which: %1$s }
          ports: [{ port: 80 }]
        """
            .formatted(name, policy),
        "create",
        "-f",
        "-");
    if (!log.isEmpty()) {
      kubelet.logs().put(namespace + "/" + name + "/main", log);
    }
  }

  private static String lines(String client, String userAgent) {
    return IntStream.range(0, 40)
        .mapToObj(i ->
            "%s - - [21/Nov/2026:07:00:00 +0000] \"GET / HTTP/1.1\" 200 9 \"-\" \"%s\"\n"
                .formatted(client.replace("N", String.valueOf(i + 1)), userAgent))
        .collect(Collectors.joining());
  }

  private Said doctor(String... more) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "doctor",
                "--kubeconfig",
                cluster.kubeconfig().toString(),
                "-n",
                namespace,
                "--insecure"));
    all.addAll(List.of(more));
    commands.now.set(Instant.now().plus(skew));
    return commands.run(all.toArray(String[]::new));
  }

  /** One line of a check, with those below it. */
  private static String finding(Said said, String start) {
    return said.out().lines().filter(line -> line.contains(start)).findFirst().orElse("");
  }

  private void allWell() throws IOException {
    accounts();
    rights();
    process("watcher", true, "ip_sentry_leader 1", "ip_sentry_lease_ok 1", "ip_sentry_log_full 0");
    process("authz-server", true, "ip_sentry_state_age_seconds 3", "ip_sentry_state_synced 1");
    process(
        "enforcer",
        true,
        "ip_sentry_enforcer_enforcing{backend=\"nftables\"} 1",
        "ip_sentry_enforcer_log_head 1",
        "ip_sentry_state_age_seconds 1");
    lease("watcher-1", Instant.now(), true);
    protectedPrefixes("192.0.2.77 cluster node");
    gateway("good", "Local", lines("203.0.113.N", "curl"));
    // What is not there concerns only the watchers.
    config(
        "sources:\n"
            + source("edge", "which=good")
            + "admin: { listen: \":9004\", tls: { certificate: /nowhere/c.pem, key: /nowhere/k }"
            + " }\n");
  }

  // ---- what is found

  @Test
  void doctor_everythingIsWell_saysSoAndFliesACanary() throws IOException {
    allWell();
    checked("203.0.113.7", "/");

    Said said = doctor("--canary");

    assertThat(said.out())
        .contains("ok    your rights: you may look at everything")
        .contains("ok    config: 1 sources, of pods 1")
        .contains("ok    source edge: 1 containers of " + namespace)
        .contains("ok    addresses: 1 requests have the same client in the log and in the check")
        .contains("ok    clock skew: ")
        .contains("ok    watcher: 1 of 1 pods ready")
        .contains("ok    leader: watcher-1 at 192.0.2.1:9004")
        .contains("service account ip-sentry-watcher has all it needs")
        .contains("service account ip-sentry-reader has all it needs")
        .contains("enforcer on " + node + ", by nftables, state 1 s old")
        .contains("service " + namespace + "/good: externalTrafficPolicy: Local")
        .contains("log of " + namespace + "/good: 40 of the last 40 lines understood as combined")
        .contains("canary: all 1 enforcers have it")
        .contains("canary: it was taken back");
    assertThat(said.out().lines().filter(line -> line.startsWith("fail"))).isEmpty();
    assertThat(said.exitCode()).isZero();
  }

  @Test
  void doctor_processesInTrouble_saysWhatWhyAndHowToMendIt() throws IOException {
    accounts();
    process("watcher", false, "ip_sentry_log_full 1", "ip_sentry_lease_ok 0");
    process("watcher", true);
    process(
        "authz-server",
        true,
        "ip_sentry_state_age_seconds 400",
        "ip_sentry_state_synced 0",
        "ip_sentry_report_lost_total 7");
    process(
        "enforcer",
        true,
        "ip_sentry_enforcer_enforcing{backend=\"iptables-legacy\"} 0",
        "ip_sentry_enforcer_backend_mismatch 1",
        "ip_sentry_enforcer_leaks_total{seen=\"line\"} 2",
        "ip_sentry_enforcer_leaks_total{seen=\"check\"} 3",
        "ip_sentry_enforcer_repairs_total 4",
        "ip_sentry_enforcer_lag_seconds 60",
        "ip_sentry_enforcer_log_head 0");
    pod(
        "watcher-deaf",
        "app.kubernetes.io/name: ip-sentry, app.kubernetes.io/instance: ip-sentry,"
            + " app.kubernetes.io/component: watcher",
        "{ name: metrics, containerPort: %d }".formatted(closedPort()),
        true);
    config("sources:\n" + source("edge", "which=nothing"));
    lease("watcher-1", Instant.now().minusSeconds(120), true);
    protectedPrefixes("192.0.2.0/24 never-ban");
    status =
        GetStatusResponse.newBuilder()
            .setConfig(ConfigStatus.newBuilder().setRefused("line 3: unknown key"))
            .setCluster(
                ClusterStatus.newBuilder()
                    .addDuties(LeaderDuty.newBuilder().setName("compaction").setProblem("no room")))
            .build();

    Said said = doctor("--canary");

    assertThat(said.out())
        .contains("fail  watcher: 2 of 3 pods ready; not: watcher-1")
        .contains("warn  watcher-deaf: its metrics on port 9003 do not answer: ")
        .contains("warn  source edge: it selects no pod: which=nothing in " + namespace)
        .contains("list, watch pods in " + namespace + "; get pods/log in " + namespace)
        .contains("the source edge is read through the API server")
        .contains("watcher-1 was restarted 9 times")
        .contains("fail  leader: watcher-1 renewed its Lease 1")
        .contains("another should have taken it")
        .contains("no address of a node is protected")
        .contains(
            "rights of watcher: service account ip-sentry-watcher may not: get, list, watch,"
                + " create,")
        .contains("list, watch nodes")
        .contains("rights of enforcer")
        .contains("the cluster's own addresses must never be banned")
        .contains("the ban log takes no events")
        .contains("it cannot read or write the Lease")
        .contains("its state is 400 s old")
        .contains("it has not read the ban log yet")
        .contains("7 hits were lost")
        .contains("takes no bans, by iptables-legacy")
        .contains("in another flavour of iptables")
        .contains("5 requests of banned clients came through on " + node)
        .contains("changed by others 4 times")
        .contains("the kernel is 60 s behind")
        .contains("a newer configuration was refused: line 3")
        .contains("fail  duty compaction: no room")
        .contains("canary: enforcer-4 did not apply it within 10 s");
    assertThat(said.exitCode()).isEqualTo(1);
  }

  @Test
  void doctor_gatewaysHideTheirClients_saysWhatHidesThem() throws IOException {
    accounts();
    process("watcher", true);
    protectedPrefixes("192.0.2.77 cluster node", "100.77.0.0/24 cluster pod network");
    gateway("cluster", "Cluster", lines("192.0.2.77", "curl"));
    gateway("proxied", "Local", lines("100.77.0.N", "curl"));
    gateway("edge", "Local", lines("173.245.48.N", "curl"));
    gateway("mute", "Local", lines("203.0.113.N", "-"));
    gateway("foreign", "Local", "what is this\n".repeat(30));
    gateway("silent", "Local", "\n");
    gateway("away", "Local", "");
    gateway("lan", "Local", lines("10.1.2.N", "curl"));
    gateway(
        "own", "app: some", "Local", lines("203.0.113.N", "curl") + "what is this\n".repeat(30));
    config("sources:\n" + source("shop", "app=some"));
    checked("203.0.113.200", "/");
    String log = "log of " + namespace + "/";

    Said said = doctor();

    assertThat(finding(said, "service " + namespace + "/cluster"))
        .startsWith("fail")
        .contains("externalTrafficPolicy: Cluster on a LoadBalancer");
    assertThat(said.out())
        .contains("patch service cluster -p '{\"spec\":{\"externalTrafficPolicy\":\"Local\"}}'")
        .contains("nobody can be banned by it");
    assertThat(said.out())
        .contains(
            log
                + "cluster: 40 of 40 logged clients can never be banned; most often"
                + " 192.0.2.77, a cluster address 192.0.2.77 (node)")
        .contains(log + "proxied: 40 of 40 logged clients can never be banned; most often 100.77.")
        .contains("another proxy in the cluster is before it")
        .contains(log + "edge: 40 of 40 logged clients can never be banned; most often 173.245.48.")
        .contains("trustedProxies: [cloudflare]")
        .contains(log + "mute: no line tells the User-Agent")
        .contains("User-Agent=keep")
        .contains(log + "foreign: 0 of the last 30 lines understood")
        .contains(log + "silent: it is empty")
        .contains("warn  " + log + "own: 40 of the last 70 lines understood as combined")
        .contains(log + "lan: 40 of 40 logged clients can never be banned; most often 10.1.2.")
        .contains("name what is before it in trustedProxies")
        .contains(
            "fail  addresses: 1 of 1 requests have another client in the check than in the log; of"
                + " one to shop.example the check saw 203.0.113.200 (forwarded), and the log has ")
        .contains(log + "away: it cannot be read through the API server")
        .contains("leader: nobody leads");
    assertThat(said.exitCode()).isEqualTo(1);
  }

  /** The kubeconfig of a user who may nothing yet. */
  private Path user(String name) throws IOException {
    kubectl.run("create", "serviceaccount", name);
    return Files.writeString(
        directory.resolve(name + ".kubeconfig"),
        Files.readString(cluster.kubeconfig())
            .replaceAll(
                "token: \\S+", "token: " + kubectl.run("create", "token", name).strip() + " "));
  }

  @Test
  void doctor_asSomebodyWhoMayListAlone_saysWhatHeNeedsForEach() throws IOException {
    allWell();
    Path me = user("lister");
    Kubectl all = cluster.kubectl();
    String role = namespace + "-lister";
    all.run("create", "clusterrole", role, "--verb=get,list", "--resource=pods,services,nodes");
    all.run(
        "create",
        "clusterrolebinding",
        role,
        "--clusterrole=" + role,
        "--serviceaccount=" + namespace + ":lister");

    commands.now.set(Instant.now());
    Said said = commands.run("doctor", "--kubeconfig", me.toString(), "-n", namespace);

    assertThat(said.out())
        .contains("warn  config: not looked at: you may not get the ConfigMap of watcher-1")
        .contains("warn  rights: not looked at: you may not create subjectaccessreviews")
        .contains(
            "warn  watcher-1: its metrics are not looked at: you may not get pods/proxy in "
                + namespace)
        .contains(
            "warn  log of " + namespace + "/good: not looked at: you may not get pods/log in ");
  }

  @Test
  void doctor_severalWatchers_asksTheOneThatLeads() throws IOException {
    String watcher =
        "app.kubernetes.io/name: ip-sentry, app.kubernetes.io/instance: ip-sentry,"
            + " app.kubernetes.io/component: watcher";
    accounts();
    String closed = "{ name: admin, containerPort: %d }".formatted(closedPort());
    pod("a", watcher, closed, true, "192.0.2.10");
    pod(
        "b",
        watcher,
        "{ name: admin, containerPort: %d }".formatted(admin.port()),
        true,
        "192.0.2.1");
    lease("b", Instant.now(), true);

    assertThat(doctor().out()).contains("ok    instance: ");

    lease("a", Instant.now(), false);
    assertThat(doctor("--canary").out())
        .containsPattern("fail  instance: no answer from ip-sentry on pod " + namespace + "/a")
        .containsPattern("fail  canary: no answer from ip-sentry on pod " + namespace + "/a");
  }

  @Test
  void doctor_canaryCannotFly_saysWhy() throws IOException {
    accounts();
    process("watcher", true, "ip_sentry_leader 1");
    config("sources: [{ file: x, formatt: combined }]\n");
    lease("watcher-1", Instant.now(), true);

    assertThat(doctor("--canary").out())
        .contains("warn  config: its sources cannot be read: ")
        .contains("formatt")
        .contains("warn  canary: no enforcer is ready, so no kernel has it");
    protection =
        ProtectedPrefixes.of(
            new ProtectedPrefixes.Part(
                Protection.Kind.NEVER_BAN, "", PrefixSet.parse("192.0.2.0/24")));
    assertThat(doctor("--canary").out()).contains("fail  canary: 192.0.2.254 cannot be banned: ");
    protection = ProtectedPrefixes.of(List.of());
    var ignored =
        operations.ban(IpPrefix.parse("192.0.2.254"), Duration.ofHours(1), "by hand", "ann");
    assertThat(doctor("--canary").out()).contains("warn  canary: 192.0.2.254 is banned already");
  }

  @Test
  void doctor_asSomebodyWithoutRights_saysWhatHeNeedsAndGoesOn() throws IOException {
    allWell();
    Path me = user("nobody");

    commands.now.set(Instant.now());
    Said said = commands.run("doctor", "--kubeconfig", me.toString(), "-n", namespace);

    assertThat(said.out())
        .contains("warn  your rights: you, not ip-sentry, may not: get, list pods in " + namespace)
        .contains("warn  pods: not looked at: you may not list pods in " + namespace)
        .contains("warn  nodes: not looked at: you may not list nodes")
        .contains("warn  leader: not looked at: you may not get lease ip-sentry-watcher")
        .contains("warn  protected: not looked at")
        .contains("warn  gateways: not looked at: you may not list pods in all namespaces")
        .contains("ClusterRole ip-sentry-doctor")
        .contains("fail  instance: you may not look for the watcher");
  }

  @Test
  void doctor_withItsRole_seesAll() throws IOException {
    allWell();
    Path me = user("doctor");
    kubectl.run(
        "create",
        "rolebinding",
        "doctor",
        "--clusterrole=ip-sentry-doctor",
        "--serviceaccount=" + namespace + ":doctor");
    cluster
        .kubectl()
        .run(
            "create",
            "clusterrolebinding",
            namespace + "-doctor",
            "--clusterrole=ip-sentry-doctor-cluster",
            "--serviceaccount=" + namespace + ":doctor");

    commands.now.set(Instant.now());
    Said said =
        commands.run(
            "doctor", "--kubeconfig", me.toString(), "-n", namespace, "--insecure", "-o", "json");

    assertThat(said.out()).doesNotContain("not looked at").contains("\"why\":\"\"");
    assertThat(said.out().lines()).allSatisfy(line -> assertThat(line).startsWith("{\"check\":"));
    assertThat(said.exitCode()).as(said.out()).isZero();
  }

  @Test
  void doctor_clocksDifferAndNobodyLeads_saysSo() throws IOException {
    skew = Duration.ofMinutes(10);
    lease("somebody", Instant.now(), false);

    Said said = doctor("--release", "ip-sentry");

    assertThat(finding(said, "clock skew"))
        .startsWith("warn")
        .containsPattern("(9m 5|10m)")
        .contains("apart");
    assertThat(said.out())
        .contains("fail  watcher: no pod is labelled")
        .contains("warn  gateways: no pod of NGINX Gateway Fabric")
        .contains("somebody leads and says no address")
        .contains("there is no ConfigMap ip-sentry-protected");
    lease("", Instant.now(), false);
    assertThat(doctor().out()).contains("fail  leader: nobody leads");
  }
}
