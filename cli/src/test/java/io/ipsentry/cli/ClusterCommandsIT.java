package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.authz.admin.AdminCallers;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.authz.admin.AdminTcp;
import io.ipsentry.authz.cluster.ClusterCallers;
import io.ipsentry.authz.tls.ServerTls;
import io.ipsentry.authz.tls.ServerTls.WithoutCertificate;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.cli.CommandRun.Said;
import io.ipsentry.config.TlsConfig;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.kubernetes.auth.AccessReviews;
import io.ipsentry.kubernetes.auth.ClientCertificates;
import io.ipsentry.kubernetes.auth.TokenReviews;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.CertificateAuthority.Issued;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Operator commands with a kubeconfig: a real API server with real users, rights and port-forwards,
 * which end at a kubelet of the test. What the watcher's pod serves, this test serves.
 */
@RequiresCluster
@RequiresProgram("openssl")
final class ClusterCommandsIT {
  private static final String IP = "203.0.113.7";

  private static final String ROLES =
      """
      apiVersion: rbac.authorization.k8s.io/v1
      kind: Role
      metadata: { name: operator }
      rules:
      - { apiGroups: [ip-sentry.io], resources: [bans], verbs: [get, list, watch, create, delete, allow] }
      - { apiGroups: [""], resources: [pods], verbs: [get, list] }
      - { apiGroups: [""], resources: [pods/portforward], verbs: [get, create] }
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: Role
      metadata: { name: looker }
      rules:
      - { apiGroups: [""], resources: [pods], verbs: [get, list] }
      """;

  private final Path directory;
  private final CommandRun commands;
  private final InMemoryBanLog log = new InMemoryBanLog();
  private final TestCluster cluster = TestCluster.shared();
  private final String namespace = cluster.newNamespace();
  private final Kubectl kubectl = cluster.kubectl().with("--namespace=" + namespace);
  private final CertificateAuthority authority;
  private final KubernetesClient watcher;
  private final ServerTls tls;
  private final AdminServer server;
  private final PortForwardingKubelet kubelet;

  ClusterCommandsIT(@TempDir Path directory) throws IOException {
    this.directory = directory;
    commands = new CommandRun(directory);
    commands.environment.put(
        "IP_SENTRY_CONFIG", Files.createFile(directory.resolve("empty.yaml")).toString());
    authority = CertificateAuthority.create(directory, "watchers");
    Issued own = authority.issue("watcher", "DNS:ip-sentry-watcher", "IP:127.0.0.1");
    kubectl.run("create", "serviceaccount", "watcher");
    cluster
        .kubectl()
        .run(
            "create",
            "clusterrolebinding",
            namespace,
            "--clusterrole=system:auth-delegator",
            "--serviceaccount=" + namespace + ":watcher");
    cluster
        .kubectl()
        .run(
            "create",
            "rolebinding",
            namespace,
            "--namespace=kube-system",
            "--role=extension-apiserver-authentication-reader",
            "--serviceaccount=" + namespace + ":watcher");
    watcher =
        ClusterClients.of(
            Config.fromKubeconfig(kubeconfig("watcher", "token: " + token("watcher")).toFile()));
    tls =
        ServerTls.open(
            "admin",
            new TlsConfig(own.certificate(), own.key(), Optional.empty()),
            WithoutCertificate.LET_IN_WITH_ANY,
            InstantSource.system());
    kubelet = new PortForwardingKubelet(authority.issue("kubelet", "IP:127.0.0.1"));
    server = serve();
  }

  private AdminServer serve() {
    AdminCallers nobody = new AdminCallers(List.of(), false);
    LogBanOperations operations =
        new LogBanOperations(
            log,
            log,
            new BanWriter(log, new ActiveBans(), commands.now::get, event -> {}),
            () -> ProtectedPrefixes.of(List.of()),
            commands.now::get);
    return AdminServer.builder(operations, GetStatusResponse::getDefaultInstance)
        .tcp(
            new AdminTcp(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                Optional.of(tls.grpc()),
                () -> nobody,
                Optional.of(
                    new ClusterCallers(
                        new TokenReviews(watcher, List.of(), System::nanoTime),
                        new ClientCertificates(watcher, InstantSource.system(), System::nanoTime),
                        new AccessReviews(watcher, namespace, System::nanoTime)))))
        .start(directory.resolve("admin.sock"));
  }

  @BeforeEach
  void roles() {
    kubectl.feed(ROLES, "apply", "-f", "-");
  }

  @AfterEach
  void close() {
    server.close();
    tls.close();
    kubelet.close();
    watcher.close();
    log.close();
  }

  // ---- people

  private String token(String serviceAccount) {
    return kubectl.run("create", "token", serviceAccount).strip();
  }

  /** Makes a service account with a role, and returns its token. */
  private String person(String name, String... roles) {
    kubectl.run("create", "serviceaccount", name);
    for (String role : roles) {
      kubectl.run(
          "create",
          "rolebinding",
          name + "-" + role,
          "--role=" + role,
          "--serviceaccount=" + namespace + ":" + name);
    }
    return token(name);
  }

  private Path kubeconfig(String name, String user) throws IOException {
    return Files.writeString(
        directory.resolve(name + ".kubeconfig"),
        """
        apiVersion: v1
        kind: Config
        clusters:
        - name: test
          cluster: { server: "%s", certificate-authority: %s }
        users:
        - name: me
          user: { %s }
        contexts:
        - name: here
          context: { cluster: test, user: me, namespace: %s }
        current-context: here
        """
            .formatted(cluster.uri(), cluster.authority(), user, namespace));
  }

  private Said run(Path kubeconfig, String... command) {
    List<String> all = new ArrayList<>(List.of(command));
    all.addAll(List.of("--kubeconfig", kubeconfig.toString()));
    return commands.run(all.toArray(String[]::new));
  }

  /** It did what it was told, and complained of nothing. */
  private static Said done(Said said) {
    assertThat(said.err()).isEmpty();
    assertThat(said.exitCode()).isZero();
    return said;
  }

  private String author() {
    return log.read(log.head(), 1).getFirst().event().by();
  }

  // ---- pods

  /** A watcher's pod on the node that is this test. */
  private void pod(String name, String release, boolean ready) {
    String node = namespace + "-node";
    if (kubectl.attempt("get", "node", node).exitCode() != 0) {
      kubectl.feed(kubelet.node(node), "create", "-f", "-");
    }
    kubectl.feed(
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: %s
          labels:
            app.kubernetes.io/name: ip-sentry
            app.kubernetes.io/component: watcher
            app.kubernetes.io/instance: %s
        spec:
          nodeName: %s
          automountServiceAccountToken: false
          containers:
          - name: watcher
            image: ip-sentry
            ports: [{ name: metrics, containerPort: 9003 }, { name: admin, containerPort: %d }]
        """
            .formatted(name, release, node, server.port()),
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
        "{\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\""
            + (ready ? "True" : "False")
            + "\"}]}}");
  }

  // ---- through the API server

  @Test
  void commands_throughTheTunnel_actAsTheUserOfTheToken() throws IOException {
    pod("watcher-0", "ip-sentry", false);
    pod("watcher-1", "ip-sentry", true);
    Path me = kubeconfig("operator", "token: " + person("operator", "operator"));

    done(run(me, "ban", IP));
    assertThat(author()).isEqualTo("system:serviceaccount:" + namespace + ":operator");
    assertThat(kubelet.asked())
        .isNotEmpty()
        .allSatisfy(uri -> assertThat(uri).contains("/" + namespace + "/watcher-1"));

    assertThat(run(me, "get", IP).out()).contains("banned");
    assertThat(run(me, "list", "-o", "json").out()).contains(IP);
    assertThat(run(me, "watch", "--from", "1", "--limit", "1", "-o", "json").out()).contains(IP);
    done(run(me, "allow", "198.51.100.0/24", "--reason", "office"));
    done(run(me, "disallow", "198.51.100.0/24"));
    done(run(me, "unban", IP));
    assertThat(run(me, "history", "-o", "json").out().lines()).hasSize(4);
    assertThat(run(me, "status").out()).contains("pod " + namespace + "/watcher-1");
  }

  /** As kubeconfigs of k3s have it: nothing but a certificate, and its key in the older form. */
  @Test
  void ban_clientCertificate_actsAsItsUser() throws IOException {
    pod("watcher-0", "ip-sentry", true);
    Issued ann = cluster.clientCertificate("ann", "people");
    Path key = directory.resolve("ann.sec1.key");
    Programs.run("openssl", "ec", "-in", ann.key().toString(), "-out", key.toString());
    assertThat(Files.readString(key)).contains("BEGIN EC PRIVATE KEY");
    kubectl.run("create", "rolebinding", "ann", "--role=operator", "--user=ann");
    Path me =
        kubeconfig("ann", "client-certificate: " + ann.certificate() + ", client-key: " + key);

    done(run(me, "ban", IP));

    assertThat(author()).isEqualTo("ann");
  }

  @Test
  void ban_credentialsOfAProgram_actsAsTheirUser() throws IOException {
    pod("watcher-0", "ip-sentry", true);
    String token = person("operator", "operator");
    Path program =
        Files.writeString(
            directory.resolve("login"),
            """
            #!/bin/sh
            echo "hello from the program" >&2
            case $KUBERNETES_EXEC_INFO in *client.authentication.k8s.io/v1*) ;; *) exit 1 ;; esac
            [ "$1" = get ] || exit 1
            printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",'
            printf '"status":{"token":"%s"}}' "$TOKEN"
            """);
    assertThat(program.toFile().setExecutable(true)).isTrue();
    Path me =
        kubeconfig(
            "exec",
            "exec: { apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never,"
                + " command: ./login, args: [get], env: [{ name: TOKEN, value: \""
                + token
                + "\" }] }");

    done(run(me, "ban", IP));

    assertThat(author()).endsWith(":operator");
    Files.writeString(program, "#!/bin/sh\nexit 7\n");
    Said failed = run(me, "list");
    assertThat(failed.exitCode()).isEqualTo(3);
    assertThat(failed.err()).contains("login").contains("ended with 7");
  }

  @Test
  void ban_asAPluginOfKubectl_takesItsKubeconfig() throws IOException {
    pod("edge-watcher-0", "edge", true);
    Path token = Files.writeString(directory.resolve("t"), person("operator", "operator") + "\n");
    Path me = kubeconfig("plugin", "tokenFile: " + token.getFileName());
    commands.environment.put("KUBECONFIG", "/nowhere:" + me);
    commands.environment.put("IP_SENTRY_KUBECTL_PLUGIN", "1");

    done(commands.run("ban", IP, "-n", namespace, "--release", "edge"));

    assertThat(author()).endsWith(":operator");
    assertThat(commands.run("list", "--context", "there").err()).contains("no context there");
    Said other = commands.run("list");
    assertThat(other.exitCode()).isEqualTo(3);
    assertThat(other.err())
        .contains("no watcher of the release ip-sentry")
        .contains("there is none");
  }

  // ---- what is missing

  @Test
  void list_personWithoutSomeRight_exits3AndNamesIt() throws IOException {
    pod("watcher-0", "ip-sentry", true);

    Said noPods = run(kubeconfig("a", "token: " + person("nobody")), "list");
    assertThat(noPods.exitCode()).isEqualTo(3);
    assertThat(noPods.err()).contains("get and list on pods");

    Said noForward = run(kubeconfig("b", "token: " + person("looker", "looker")), "list");
    assertThat(noForward.exitCode()).isEqualTo(3);
    assertThat(noForward.err()).contains("get and create on pods/portforward");

    kubectl.feed(
        ROLES.replace("bans], verbs: [get, list,", "bans], verbs: [get,"), "apply", "-f", "-");
    Said noList = run(kubeconfig("c", "token: " + person("operator", "operator")), "list");
    assertThat(noList.exitCode()).isEqualTo(3);
    assertThat(noList.err()).contains("may not list bans.ip-sentry.io").contains(namespace);

    Said stranger = run(kubeconfig("d", "token: nonsense"), "list");
    assertThat(stranger.exitCode()).isEqualTo(3);
    assertThat(stranger.err()).contains("does not know you");
  }

  @Test
  void list_noWatcherReadyOrNoSuchContextOrNoCredentials_exits3() throws IOException {
    pod("watcher-0", "ip-sentry", false);
    Path me = kubeconfig("operator", "token: " + person("operator", "operator"));

    assertThat(run(me, "list"))
        .returns(3, Said::exitCode)
        .satisfies(said -> assertThat(said.err()).contains("1 not ready"));
    assertThat(run(me, "list", "--context", "there"))
        .returns(3, Said::exitCode)
        .satisfies(said -> assertThat(said.err()).contains("no context there"));
    assertThat(run(kubeconfig("bare", ""), "list"))
        .returns(3, Said::exitCode)
        .satisfies(
            said -> assertThat(said.err()).contains("neither a token nor a client certificate"));
    assertThat(run(Path.of("/nowhere/kubeconfig"), "list"))
        .returns(3, Said::exitCode)
        .satisfies(said -> assertThat(said.err()).contains("no kubeconfig /nowhere/kubeconfig"));
    Path nowhere =
        Files.writeString(
            directory.resolve("nowhere.kubeconfig"),
            Files.readString(me).replaceAll("server: \"[^\"]*\"", "server: https://127.0.0.1:1"));
    assertThat(run(nowhere, "list"))
        .returns(3, Said::exitCode)
        .satisfies(said ->
            assertThat(said.err())
                .contains("https://127.0.0.1:1/ does not answer: nobody listens there"));
    assertThat(run(me, "list", "--socket", "/run/a"))
        .returns(2, Said::exitCode)
        .satisfies(said -> assertThat(said.err()).contains("on this host"));
  }

  /** A pod that says it is ready and listens no more. */
  @Test
  void list_nobodyListensInThePod_exits3() throws IOException {
    pod("watcher-0", "ip-sentry", true);
    Path me = kubeconfig("operator", "token: " + person("operator", "operator"));
    server.close();

    Said said = run(me, "list");

    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err()).contains("pod " + namespace + "/watcher-0");
  }

  // ---- directly

  @Test
  void ban_serverWithAKubeconfig_actsAsItsUser() throws IOException {
    Path me = kubeconfig("operator", "token: " + person("operator", "operator"));
    Issued ann = cluster.clientCertificate("ann");
    kubectl.run("create", "rolebinding", "ann", "--role=operator", "--user=ann");
    Path other =
        kubeconfig(
            "ann", "client-certificate: " + ann.certificate() + ", client-key: " + ann.key());
    String address = "127.0.0.1:" + server.port();
    String ca = authority.certificate().toString();

    done(run(me, "ban", IP, "--server", address, "--ca", ca));
    assertThat(author()).endsWith(":operator");
    done(run(other, "unban", IP, "--server", address, "--ca", ca));
    assertThat(author()).isEqualTo("ann");
    assertThat(run(me, "list", "--server", address))
        .as("its certificate is verified, for nothing else proves who it is")
        .returns(3, Said::exitCode);
    assertThat(kubelet.asked()).isEmpty();
  }
}
