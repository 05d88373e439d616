package io.ipsentry.stage;

import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.cli.demo.ClusterClient;
import io.ipsentry.cli.demo.ClusterClient.Rate;
import io.ipsentry.cli.demo.ClusterDemo;
import io.ipsentry.cli.demo.ClusterStage;
import io.ipsentry.cli.demo.DemoException;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.cluster.ClusterPrograms;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** The demonstration's cluster: a {@link Stage}. Stateless. */
public final class StageDemo implements ClusterDemo {
  private static final Path SELF = Path.of("/proc/self");
  private static final List<String> PROGRAMS =
      List.of("nginx", "ip", "ipset", "iptables-legacy", "ip6tables-legacy");

  /** Of the prober by IPv6, who walks through his /64. */
  private static final int WALKED = 8;

  @Override
  public Optional<String> obstacle() {
    if (!isRoot()) {
      return Optional.of("network namespaces need root");
    }
    List<String> missing =
        PROGRAMS.stream().filter(program -> Programs.find(program).isEmpty()).toList();
    if (!missing.isEmpty()) {
      return Optional.of("it needs " + String.join(", ", missing));
    }
    return ClusterPrograms.find().isPresent()
        ? Optional.empty()
        : Optional.of(
            "it needs kube-apiserver, etcd and kubectl, which conformance-tests/build-kubernetes.sh"
                + " builds");
  }

  private static boolean isRoot() {
    try {
      return Files.exists(SELF) && Integer.valueOf(0).equals(Files.getAttribute(SELF, "unix:uid"));
    } catch (IOException e) {
      throw new DemoException("the owner of this process cannot be read", e);
    }
  }

  @Override
  public ClusterStage build(Path directory) {
    try {
      return new Playing(Stage.build(StageOptions.defaults(directory)));
    } catch (IllegalStateException e) {
      throw new DemoException("the cluster does not start: " + e.getMessage(), e);
    }
  }

  private record Playing(Stage stage) implements ClusterStage {
    @Override
    public List<String> nodes() {
      return stage.nodes().stream().map(StageNode::name).toList();
    }

    @Override
    public List<ClusterClient> cast() {
      List<String> probes = List.of("/.git/config", "/.git/HEAD");
      return List.of(
          client("prober", Addresses.attacker(1), probes, Rate.PROBING, true),
          client("prober, inline", Addresses.attacker(2), List.of("/.env"), Rate.PROBING, true),
          new ClusterClient(
              "prober, IPv6",
              IntStream.range(0, WALKED).mapToObj(i -> Addresses.attacker6(3) + i).toList(),
              "",
              probes,
              Rate.PROBING,
              true),
          client("password guesser", Addresses.attacker(4), List.of("/login"), Rate.STEADY, true),
          new ClusterClient(
              "framer of customer",
              List.of(Addresses.attacker(5)),
              Addresses.client(1),
              probes,
              Rate.STEADY,
              true),
          client("customer", Addresses.client(1), List.of("/", "/shop/1"), Rate.CALM, false),
          client("customer, IPv6", Addresses.client6(1), List.of("/", "/shop/2"), Rate.CALM, false),
          client(
              "crawler, dead links",
              Addresses.CRAWLER,
              List.of("/", "/old/page", "/robots.txt"),
              Rate.CALM,
              false),
          client("monitor", Addresses.MONITOR, List.of("/healthz"), Rate.CALM, false));
    }

    private static ClusterClient client(
        String name, String address, List<String> targets, Rate rate, boolean hostile) {
      return new ClusterClient(name, List.of(address), "", targets, rate, hostile);
    }

    @Override
    public OptionalInt ask(
        String address, int node, String target, Map<String, String> headers, Duration patience) {
      return stage
          .outside()
          .get(address, stage.nodes().get(node), target, headers, patience)
          .map(answer -> OptionalInt.of(answer.status()))
          .orElseGet(OptionalInt::empty);
    }

    @Override
    public boolean drops(int node, String address) {
      return stage.nodes().get(node).drops(address);
    }

    @Override
    public List<SequencedEvent> events() {
      return stage.log();
    }

    @Override
    public void close() {
      stage.close();
    }
  }
}
