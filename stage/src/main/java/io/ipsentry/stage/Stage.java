package io.ipsentry.stage;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Uninterrupted;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TcpProxy;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * A cluster that runs, and the world outside of it. {@link #build} starts everything and returns
 * when all is ready; {@link #close} ends every process and removes every namespace. Nothing of it
 * outlives this JVM but, if that is killed, the namespaces ({@code ip netns list | grep
 * ipsentry-}). Safe for any thread.
 */
public final class Stage implements AutoCloseable {
  private static final int MAX_CONNECTIONS_WAITING = 256;

  private final StageOptions options;
  private final InstantSource clock;
  private final List<AutoCloseable> open = new ArrayList<>();
  private final List<StageNode> nodes = new ArrayList<>();
  private final List<StageProcess> watchers = new ArrayList<>();
  private final List<StageProcess> authzServers = new ArrayList<>();
  private final List<StageProcess> enforcers = new ArrayList<>();
  private final List<Consumer<LoggedLine>> listeners = new CopyOnWriteArrayList<>();
  private final StageNetwork network;
  private final Outside outside;
  private final TestCluster cluster;
  private final Release release;
  private final StageConfigs configs;
  private final BanLogView log;

  private Stage(StageOptions options, InstantSource clock) {
    this.options = options;
    this.clock = clock;
    try {
      Program.prepare();
      network = opened(new StageNetwork(options.nodes()));
      outside = new Outside(network.outside());
      cluster = opened(TestCluster.start(options.directory()));
      opened(apiServerWithin());
      release = new Release(cluster);
      configs = new StageConfigs(release, options.lease());
      for (int i = 0; i < options.nodes(); i++) {
        Path own = options.directory().resolve("n" + i);
        StageNode node =
            new StageNode(i, network, own, options.gatewayPatience(), clock, this::logged);
        open.add(node::close);
        nodes.add(node);
      }
      register();
      prepareProcesses();
      startAll();
      // It is there since one leads.
      log = opened(new BanLogView(cluster, clock));
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /**
   * Builds it and waits until every process is ready and one watcher leads, which takes some 20 s
   * of processor time, and before its first use in a checkout a build of the program.
   *
   * @throws IllegalStateException if a part does not start, with the end of what it wrote
   */
  public static Stage build(StageOptions options) {
    return new Stage(options, InstantSource.system());
  }

  private <T extends AutoCloseable> T opened(T part) {
    open.add(part);
    return part;
  }

  private void logged(LoggedLine line) {
    listeners.forEach(listener -> listener.accept(line));
  }

  /** Where the cluster's network has the API server. */
  private TcpProxy apiServerWithin() {
    ServerSocket listener =
        network
            .fabric()
            .call(() ->
                new ServerSocket(
                    Addresses.API_PORT,
                    MAX_CONNECTIONS_WAITING,
                    InetAddress.ofLiteral(Addresses.FABRIC)));
    return TcpProxy.to(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), cluster.uri().getPort()), listener);
  }

  private void register() {
    StringBuilder objects = new StringBuilder();
    StringBuilder pods = new StringBuilder();
    for (StageNode node : nodes) {
      objects.append(node.manifest());
      pods.append(node.podManifest());
    }
    String ignored = cluster.kubectl().feed(objects.toString(), "create", "-f", "-");
    // A status is not taken with a new object.
    ignored = cluster.kubectl().feed(pods.toString(), "replace", "--subresource=status", "-f", "-");
  }

  private void prepareProcesses() {
    List<String> gateways = new ArrayList<>();
    nodes.forEach(node -> gateways.addAll(List.of(node.gatewayAddress(), node.gatewayAddress6())));
    List<NetworkNamespace> namespaces = nodes.stream().map(StageNode::namespace).toList();
    Services services = new Services(namespaces, gateways);
    for (int i = 0; i < options.watchers(); i++) {
      int number = i / options.nodes() * 10 + 20;
      watchers.add(inPod("watcher", i, number, StageProcess.Endpoint.NONE));
    }
    for (int i = 0; i < options.authzServers(); i++) {
      int number = i / options.nodes() * 10 + 30;
      String address = Addresses.pod(i % options.nodes(), number + 100);
      authzServers.add(
          inPod(
              "authz-server",
              i,
              number + 100,
              ready -> {
                if (ready) {
                  services.add(address);
                } else {
                  services.remove(address);
                }
              }));
    }
    for (StageNode node : nodes) {
      String name = "enforcer-" + node.number();
      StageProcess enforcer =
          new StageProcess(
              name,
              "enforcer",
              node.namespace(),
              "127.0.0.1",
              made(options.directory().resolve(name)),
              StageProcess.Endpoint.NONE);
      enforcer.configure(configs.enforcer(directoryOf(enforcer), options.enforcer()));
      open.add(enforcer::close);
      enforcers.add(enforcer);
    }
    changeRules(options.rules());
  }

  private static Path directoryOf(StageProcess process) {
    Path directory = process.configuration().getParent();
    if (directory == null) {
      throw new IllegalStateException("a configuration is in a directory");
    }
    return directory;
  }

  private StageProcess inPod(
      String component, int index, int number, StageProcess.Endpoint endpoint) {
    int node = index % options.nodes();
    String device = component.charAt(0) + "pod" + index;
    String name = component + "-" + index;
    StageProcess process =
        new StageProcess(
            name,
            component,
            network.pod(device, node, number),
            Addresses.pod(node, number),
            made(options.directory().resolve(device)),
            endpoint);
    open.add(process::close);
    return process;
  }

  private void startAll() {
    nodes.forEach(node -> node.gateway().launch());
    List<StageProcess> all = new ArrayList<>(watchers);
    all.addAll(authzServers);
    all.addAll(enforcers);
    all.forEach(StageProcess::launch);
    all.forEach(StageProcess::awaitReady);
    nodes.forEach(node -> node.gateway().awaitReady());
    Waiting.until("a watcher leads", StageOptions.PATIENCE, () -> leader().isPresent());
  }

  // ---- the parts

  /** The nodes. */
  public List<StageNode> nodes() {
    return nodes;
  }

  /** Everybody who is not in the cluster. */
  public Outside outside() {
    return outside;
  }

  /** The control plane. */
  public TestCluster cluster() {
    return cluster;
  }

  /** An administrator, in the namespace of the release. */
  public Kubectl kubectl() {
    return release.kubectl();
  }

  /** The watchers. */
  public List<StageProcess> watchers() {
    return watchers;
  }

  /** The authz-servers. */
  public List<StageProcess> authzServers() {
    return authzServers;
  }

  /** The enforcers, one a node, in their order. */
  public List<StageProcess> enforcers() {
    return enforcers;
  }

  /** The watcher that leads, as far as one says so now. */
  public Optional<StageProcess> leader() {
    return watchers.stream().filter(StageProcess::leads).findFirst();
  }

  /** Calls somebody for each line of each container from now on, on the thread that reads it. */
  public void onLine(Consumer<LoggedLine> listener) {
    listeners.add(listener);
  }

  /** Calls him no more. */
  public void offLine(Consumer<LoggedLine> listener) {
    listeners.remove(listener);
  }

  // ---- what can be done

  /** Writes rules (YAML, as {@link StageOptions#rules}) for all processes, which read them. */
  public void changeRules(String rules) {
    for (int i = 0; i < watchers.size(); i++) {
      StageProcess watcher = watchers.get(i);
      watcher.configure(configs.watcher(directoryOf(watcher), watcher.address(), rules));
    }
    for (StageProcess server : authzServers) {
      server.configure(configs.authzServer(directoryOf(server), rules));
    }
  }

  /** Kills the API server. */
  public void stopApiServer() {
    cluster.apiServer().kill();
  }

  /** Starts it again, with what it had, and waits until it answers. */
  public void startApiServer() {
    cluster.apiServer().start();
  }

  // ---- what has become of it

  /** All events of the ban log, oldest first, read from the API server. */
  public List<SequencedEvent> log() {
    return log.events();
  }

  /** Those from a number on; what was read before is not read again. */
  public List<SequencedEvent> log(long from) {
    return log.events(from);
  }

  /** The newest snapshot that a leader stored; empty: none has yet. */
  public Optional<ActiveBans> snapshot() {
    return log.stored();
  }

  /** Their fold: what is decided. */
  public ActiveBans decided() {
    return log.decided();
  }

  /** The stage's clock, which all its stamps are of. */
  public InstantSource clock() {
    return clock;
  }

  static Path made(Path directory) {
    try {
      return Files.createDirectories(directory);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + directory, e);
    }
  }

  /** Also for a thread that is interrupted: it takes everything away, and stays so. */
  @Override
  public void close() {
    Uninterrupted.run(this::closeAll);
  }

  private void closeAll() {
    Ending ending = new Ending();
    for (AutoCloseable part : open.reversed()) {
      ending.end(() -> {
        try {
          part.close();
        } catch (RuntimeException e) {
          throw e;
        } catch (Exception e) {
          throw new IllegalStateException("cannot end a part of the stage", e);
        }
      });
    }
    open.clear();
    ending.rethrow();
  }
}
