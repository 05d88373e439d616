package io.ipsentry.conformance.hands;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.hits.HitReportClient;
import io.ipsentry.conformance.cluster.ChartInCluster;
import io.ipsentry.conformance.cluster.ClusterLog;
import io.ipsentry.conformance.cluster.Relay;
import io.ipsentry.conformance.hands.Shield.Way;
import io.ipsentry.conformance.program.Gateways;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.ListServer;
import io.ipsentry.conformance.program.RunningAuthzServer;
import io.ipsentry.conformance.program.RunningEnforcer;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.conformance.sink.Outside;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.cluster.GatewayDefinitions;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A release with one process of each kind, as the chart's service accounts, at an API server of its
 * own: a watcher, an authz-server, and an enforcer with a kernel of its own; outside of it
 * Cloudflare, a webhook and a server of lists. Confined to one thread.
 */
final class ProtectedSite implements AutoCloseable {
  private static final String WATCHER = "ip-sentry-watcher";
  private static final String RELEASE = "ip-sentry";

  /** In front of the source {@code edge}; its word about others is believed. */
  static final String PROXY = "192.0.2.80";

  private static final String MARK = "# what the test changes\n";
  private static final Pattern ELEMENT = Pattern.compile("(?m)^add \\S+ (\\S+)(?: .*)?$");

  private static final String RULES =
      """
      rules:
        - { name: probing, match: { paths: ['^/\\.env'] }, threshold: 3, window: 2m, ban: 24h }
        - { name: asked, on: request, match: { paths: ['^/\\.git'] }, threshold: 3, window: 2m, ban: 24h }
      """;

  private final Deque<Runnable> opened;
  private final Path directory;
  private final TestCluster cluster;
  private final ChartInCluster release;
  private final NetworkNamespace node;
  private final Outside outside;
  private final ListServer lists;
  private final RunningWatcher watcher;
  private final RunningAuthzServer server;
  private final RunningEnforcer enforcer;
  private final ManagedChannel envoy;
  private final HitReportClient agent;
  private final ClusterLog log;
  private final String constantConfig;
  private final PrefixSet fixed;
  private final List<String> feeds = new ArrayList<>();
  private final List<IpPrefix> alwaysBan = new ArrayList<>();
  private List<String> tried = List.of();

  private ProtectedSite(Path directory, Deque<Runnable> opened) throws Exception {
    this.directory = directory;
    this.opened = opened;
    cluster =
        opened(
            TestCluster.start(Files.createDirectory(directory.resolve("cluster"))),
            TestCluster::close);
    String ignored = installDefinitions();
    release = ChartInCluster.in(cluster, cluster.newNamespace(), "banPolicies: { enabled: true }");
    node = opened(NetworkNamespace.create("node"), NetworkNamespace::close);
    Relay relay = opened(Relay.start(node, cluster.uri().getPort()), Relay::close);
    assertThat(relay).isNotNull();
    outside = opened(new Outside(), Outside::close);
    lists = opened(ListServer.start(), ListServer::close);
    Path edgeLog = Files.createFile(directory.resolve("edge.log"));
    enforcer =
        opened(
            RunningEnforcer.launch(
                node,
                own("enforcer"),
                List.of(),
                followedStore("enforcer", "ip-sentry-enforcer")
                    + "enforcer: { backend: ipset, interval: 1s }\n"),
            RunningEnforcer::close);
    watcher = opened(startWatcher(edgeLog), RunningWatcher::close);
    String config = Files.readString(watcherConfig());
    constantConfig = config.substring(0, config.indexOf(MARK) + MARK.length());
    await("it leads").atMost(RunningIpSentry.PATIENCE).until(watcher::leads);
    server =
        opened(
            RunningAuthzServer.start(
                own("g"),
                List.of(),
                RULES + followedStore("g", "ip-sentry-authz-server", "banPolicies: true, ")),
            RunningAuthzServer::close);
    envoy = NettyChannelBuilder.forAddress("127.0.0.1", server.grpcPort()).usePlaintext().build();
    opened.push(envoy::shutdownNow);
    AdminChannel admin =
        opened(AdminChannel.open(new AdminEndpoint.Socket(socket())), AdminChannel::close);
    agent =
        opened(
            new HitReportClient(
                    new HitReportClient.Parts(
                        admin.channel(),
                        admin::connectNow,
                        "hand",
                        1_000,
                        new Random(1),
                        (_, _) -> {}))
                .start(),
            HitReportClient::close);
    log = opened(new ClusterLog(cluster, release.namespace(), RELEASE), ClusterLog::close);
    fixed = ReservedPrefixes.ALL.union(PrefixSet.parse(PROXY, kubernetesService()));
  }

  /** Those of the Gateway API, without which there is nothing to attach to, and ours. */
  private String installDefinitions() throws IOException {
    List<String> apply = new ArrayList<>(List.of("apply", "--server-side"));
    try (Stream<Path> files = Files.list(GatewayDefinitions.directory())) {
      files
          .filter(file -> file.getFileName().toString().startsWith("gateway.networking.k8s.io_"))
          .forEach(file -> apply.addAll(List.of("-f", file.toString())));
    }
    apply.addAll(List.of("-f", "../charts/ip-sentry/crds"));
    String applied = cluster.kubectl().run(apply.toArray(String[]::new));
    // One that is so new that it has no conditions is an error to kubectl, not something to wait
    // for.
    await("the definitions are established")
        .atMost(RunningIpSentry.PATIENCE)
        .until(() ->
            cluster
                    .kubectl()
                    .attempt("wait", "--for=condition=Established", "crd", "--all")
                    .exitCode()
                == 0);
    return applied;
  }

  /** Starts all of it, or nothing. */
  static ProtectedSite start(Path directory) throws Exception {
    Deque<Runnable> opened = new ArrayDeque<>();
    boolean started = false;
    try {
      ProtectedSite site = new ProtectedSite(directory, opened);
      started = true;
      return site;
    } finally {
      if (!started) {
        close(opened);
      }
    }
  }

  private static void close(Deque<Runnable> opened) {
    while (!opened.isEmpty()) {
      opened.pop().run();
    }
  }

  private <T> T opened(T part, Consumer<T> close) {
    opened.push(() -> close.accept(part));
    return part;
  }

  private Path own(String name) throws IOException {
    return Files.createDirectories(directory.resolve(name));
  }

  private RunningWatcher startWatcher(Path edgeLog) throws IOException {
    Path own = own("w");
    Path token = Files.writeString(own.resolve("cloudflare"), "SeCrEtMarker0123456789abcdef");
    return RunningWatcher.start(
        own,
        "{ kubernetes: { kubeconfig: %s, banPolicies: true }, leader: { lease: 3s, insecure: true, tokenFile: %s, "
                .formatted(release.kubeconfig(own, WATCHER), release.token(own, WATCHER))
            + "advertise: \"127.0.0.1:%d\" } }",
        "{ name: edge, file: %s, format: regex, ".formatted(edgeLog)
            + "regex: '^(?<addr>\\S+) (?<forwarded>[^|]*)[|](?<method>\\S+) (?<path>\\S+)$' }",
        RULES
            + """
            authz: { listen: ":9001", http: ":9002", callers: [127.0.0.1] }
            sinks:
              - { name: edge, cloudflare: { zone: %s, tokenFile: %s, api: "%s/client/v4" } }
              - { name: hook, webhook: { url: "%s/hook", interval: 0s } }
            %strustedProxies: ["%s"]
            """
                .formatted(Outside.ZONE, token, outside.url(), outside.url(), MARK, PROXY));
  }

  private String followedStore(String name, String account) throws IOException {
    return followedStore(name, account, "");
  }

  private String followedStore(String name, String account, String more) throws IOException {
    Path own = own(name);
    return "store: { kubernetes: { %skubeconfig: %s }, leader: { insecure: true, tokenFile: %s } }\n"
        .formatted(more, release.kubeconfig(own, account), release.token(own, account));
  }

  private String kubernetesService() {
    return cluster
        .kubectl()
        .run("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")
        .strip();
  }

  private Path watcherConfig() {
    return directory.resolve("w").resolve("config.yaml");
  }

  // ---- what protects

  /** Protected all the time. */
  PrefixSet fixed() {
    return fixed;
  }

  /** What the leader tells everybody, as it stands in the ConfigMap. */
  String protectedText() {
    return kubectl()
        .run("get", "configmap", RELEASE + "-protected", "-o", "jsonpath={.data.prefixes}");
  }

  /** Has it say that next to nothing is protected. */
  void overwriteProtected() {
    String ignored =
        kubectl()
            .run(
                "patch",
                "configmap",
                RELEASE + "-protected",
                "--type=merge",
                "-p",
                "{\"data\":{\"prefixes\":\"192.0.2.99/32 never-ban\\n\"}}");
  }

  void create(String manifest) {
    String ignored = kubectl().feed(manifest, "create", "-f", "-");
  }

  void status(String object, String patch) {
    String ignored =
        kubectl().run("patch", object, "--subresource=status", "--type=merge", "-p", patch);
  }

  void delete(String object) {
    String ignored = kubectl().run("delete", object, "--wait=false");
  }

  /** Writes the watcher's configuration anew, as an editor does. */
  void configure(Shield shield) {
    String changing =
        """
        neverBan: %s
        allow: %s
        trustedProxies: %s
        alwaysBan: %s
        feeds: [%s]
        """
            .formatted(
                shield.configured(Way.NEVER_BAN),
                shield.configured(Way.ALLOW),
                shield.configured(Way.TRUSTED_PROXY, PROXY),
                alwaysBan(shield),
                String.join(", ", feeds));
    try {
      Path next = Files.writeString(directory.resolve("next.yaml"), constantConfig + changing);
      Path ignored = Files.move(next, watcherConfig(), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the configuration", e);
    }
  }

  /** Lists an address in {@code alwaysBan}, from the next {@link #configure} on. */
  void alwaysBan(IpPrefix address) {
    alwaysBan.add(address);
  }

  /** Lists these besides, in place of those before. */
  void alsoAlwaysBan(List<String> addresses) {
    tried = List.copyOf(addresses);
  }

  /** Without what the same file protects, which would be an error. */
  private String alwaysBan(Shield shield) {
    return Stream.concat(
            alwaysBan.stream().filter(each -> !shield.isConfigured(each)).map(IpPrefix::toString),
            tried.stream())
        .map(each -> '"' + each + '"')
        .collect(Collectors.joining(", ", "[", "]"));
  }

  /** Puts a list of a new name among the feeds, for the next {@link #configure}. */
  String feed(String content) {
    String name = "list-" + (feeds.size() + 1);
    lists.list("/" + name, content);
    feeds.add("{ name: %s, url: \"%s\", every: 6h }".formatted(name, lists.url("/" + name)));
    return name;
  }

  /** An operator's command at the watcher; fails if it does not end well. */
  void operator(String command, String address) {
    IpSentry.Result result = watcher.command(command, address);
    assertThat(result.exitCode()).as(result.err()).isZero();
  }

  /** An operator's import of a file. */
  IpSentry.Result imports(String kind, Path file) {
    return IpSentry.run("import", kind, "--socket", socket().toString(), file.toString());
  }

  private Path socket() {
    return directory.resolve("w").resolve("admin.sock");
  }

  // ---- hands

  Kubectl kubectl() {
    return release.kubectl();
  }

  RunningWatcher watcher() {
    return watcher;
  }

  RunningAuthzServer server() {
    return server;
  }

  HitReportClient agent() {
    return agent;
  }

  ClusterLog log() {
    return log;
  }

  String namespace() {
    return release.namespace();
  }

  /** A file of a hand. */
  Path file(String name, String content) {
    try {
      return Files.writeString(directory.resolve(name), content);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + name, e);
    }
  }

  /** Requests for {@code /.env} in the log of the gateway behind {@link #PROXY}. */
  void logForwarded(String forwarded, int times) {
    try {
      Path ignored =
          Files.writeString(
              directory.resolve("edge.log"),
              "%s %s|GET /.env\n".formatted(PROXY, forwarded).repeat(times),
              StandardCharsets.UTF_8,
              StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the log", e);
    }
  }

  /** The Events at the blocklist, a message a line. */
  List<String> notes() {
    return kubectl()
        .run(
            "get",
            "events",
            "--field-selector=involvedObject.name=ip-sentry-blocklist",
            "-o",
            "jsonpath={range .items[*]}{.message}{\"\\n\"}{end}")
        .lines()
        .toList();
  }

  /** Bans that the watcher did not make because of what they would cover. */
  double refusedBans() {
    return watcher
        .metrics()
        .lines()
        .filter(line -> line.startsWith("ip_sentry_bans_refused_total{"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  // ---- who is refused

  /** Whether forward-auth refuses a request of an address, as it is written here. */
  boolean isRefusedOverHttp(String address) {
    return server.ask(address, "/") == 403;
  }

  /** Whether Envoy is told to refuse it. */
  boolean isRefusedOverGrpc(String address, String target) {
    return AuthorizationGrpc.newBlockingStub(envoy)
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .check(Gateways.check(address, target))
            .getStatus()
            .getCode()
        != 0;
  }

  /** What the kernel of the node drops. */
  PrefixSet dropped() {
    List<IpPrefix> elements = new ArrayList<>();
    Matcher matcher = ELEMENT.matcher(node.run("ipset", "save"));
    while (matcher.find()) {
      elements.add(IpPrefix.parse(matcher.group(1)));
    }
    return PrefixSet.of(elements);
  }

  /** What Cloudflare was told to refuse. */
  PrefixSet atTheEdge() {
    return PrefixSet.of(outside.ruled().stream().map(IpPrefix::parse).toList());
  }

  /** What the webhook was told to be banned. */
  List<IpPrefix> told() {
    return outside.bansTold().stream().map(IpPrefix::parse).toList();
  }

  /** What the processes have logged, for whoever looks for the cause of a failure. */
  String logs() {
    return "watcher:\n"
        + tail(watcher.log())
        + "\nauthz-server:\n"
        + tail(server.log())
        + "\nenforcer:\n"
        + tail(enforcer.log());
  }

  private static String tail(String text) {
    List<String> lines = text.lines().toList();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 25), lines.size()));
  }

  @Override
  public void close() {
    close(opened);
  }
}
