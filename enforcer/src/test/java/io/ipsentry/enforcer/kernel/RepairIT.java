package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.Ports;
import io.ipsentry.config.EnforcerConfig.Verdict;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What others do to our things in the kernel is found and mended, and theirs are left alone. */
@RequiresRoot
@RequiresProgram({"ip", "ipset", "iptables-legacy", "ip6tables-legacy", "nft", "sh"})
class RepairIT {
  private static final IpPrefix BANNED = IpPrefix.parse("192.0.2.1");

  private NetworkNamespace node;

  /**
   * Harm done to an instance without a name that enforces in raw/PREROUTING.
   *
   * @param commands for a shell
   * @param said what the repair must mention
   */
  record Harm(Backend backend, String commands, String said) {}

  static Stream<Harm> harms() {
    List<Harm> harms = new ArrayList<>();
    for (Backend backend : List.of(Backend.IPSET, Backend.IPTABLES_RULES)) {
      for (String program : List.of("iptables-legacy", "ip6tables-legacy")) {
        String raw = program + " -t raw ";
        harms.add(new Harm(backend, raw + "-D PREROUTING -j IP-BLOCKER", "jump from PREROUTING"));
        harms.add(
            new Harm(backend, raw + "-I PREROUTING -p tcp -j ACCEPT", "jump from PREROUTING"));
        harms.add(new Harm(backend, raw + "-A PREROUTING -j IP-BLOCKER", "jump from PREROUTING"));
        harms.add(new Harm(backend, raw + "-I OUTPUT -j IP-BLOCKER", "jump from OUTPUT"));
        harms.add(new Harm(backend, raw + "-F; " + raw + "-X", "was missing"));
      }
    }
    harms.add(
        new Harm(Backend.IPSET, "iptables-legacy -t raw -F IP-BLOCKER", "chain IP-BLOCKER in raw"));
    harms.add(
        new Harm(Backend.IPSET, "ip6tables-legacy -t raw -D IP-BLOCKER 2", "chain IP-BLOCKER"));
    harms.add(
        new Harm(Backend.IPSET, "iptables-legacy -t raw -I IP-BLOCKER -j ACCEPT", "not as made"));
    harms.add(
        new Harm(
            Backend.IPSET,
            "iptables-legacy -t raw -F; iptables-legacy -t raw -X; ipset destroy ip-blocker-4",
            "set ip-blocker-4 was missing"));
    harms.add(
        new Harm(
            Backend.IPSET,
            "iptables-legacy -N IP-BLOCKER; iptables-legacy -I INPUT -j IP-BLOCKER",
            "chain IP-BLOCKER in filter"));
    harms.add(
        new Harm(
            Backend.IPTABLES_RULES,
            "iptables-legacy -t raw -I IP-BLOCKER -j ACCEPT",
            "not as made"));
    harms.add(
        new Harm(
            Backend.IPTABLES_RULES, "iptables-legacy -t raw -F IP-BLOCKER.refuse", "not as made"));
    harms.add(new Harm(Backend.NFTABLES, "nft flush ruleset", "table ip-blocker was missing"));
    harms.add(
        new Harm(Backend.NFTABLES, "nft flush chain inet ip-blocker sources", "chain sources"));
    harms.add(
        new Harm(Backend.NFTABLES, "nft flush chain inet ip-blocker refuse6", "chain refuse6"));
    harms.add(
        new Harm(
            Backend.NFTABLES,
            "nft insert rule inet ip-blocker prerouting accept",
            "chain prerouting"));
    harms.add(
        new Harm(
            Backend.NFTABLES,
            "nft flush chain inet ip-blocker prerouting; nft delete chain inet ip-blocker"
                + " prerouting",
            "chain prerouting"));
    harms.add(
        new Harm(
            Backend.NFTABLES,
            "echo 'add table inet ip-blocker { flags dormant; }' | nft -f -",
            "dormant"));
    harms.add(
        new Harm(
            Backend.NFTABLES,
            "nft flush chain inet ip-blocker v4-32-1; nft delete set inet ip-blocker v4-32-1",
            "set v4-32-1"));
    harms.add(new Harm(Backend.NFTABLES, "nft add chain inet ip-blocker mine", "chain mine"));
    harms.addAll(rulesOfEarlierVersions());
    return harms.stream();
  }

  /** As earlier builds made them: every rule jumped, and a packet came back to pass the others. */
  private static List<Harm> rulesOfEarlierVersions() {
    return List.of(
        new Harm(
            Backend.NFTABLES,
            "nft flush chain inet ip-blocker prerouting;"
                + " nft add rule inet ip-blocker prerouting jump sources",
            "chain prerouting"),
        new Harm(
            Backend.NFTABLES,
            "nft flush chain inet ip-blocker v4-32-1;"
                + " nft add rule inet ip-blocker v4-32-1 ip saddr @v4-32-1 jump refuse4",
            "chain v4-32-1"));
  }

  @BeforeEach
  void makeNamespace() {
    node = NetworkNamespace.create("repair");
  }

  @AfterEach
  void removeNamespace() {
    node.close();
  }

  @ParameterizedTest
  @MethodSource("harms")
  void ensure_harmWasDone_isMendedAndSaid(Harm harm) {
    PacketFilter filter = open("", harm.backend());
    filter.ensure(1_000);
    String before = everything();
    node.run("sh", "-c", harm.commands());
    assertThat(filter.ensure(1_000)).anyMatch(said -> said.contains(harm.said()));
    assertThat(filter.ensure(1_000)).isEmpty();
    // Only a rule that the harm itself put beside ours may be left.
    assertThat(everything().replace("-A PREROUTING -p tcp -j ACCEPT\n", "")).isEqualTo(before);
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void read_elementsWereChangedByHand_areShownAsTheyAre(Backend backend) {
    PacketFilter filter = open("", backend);
    filter.ensure(1_000);
    filter.apply(TestChanges.putting(Map.of(BANNED, PacketFilter.FOR_EVER)));
    switch (backend) {
      case IPSET -> {
        node.run("ipset", "flush", "ip-blocker-4");
        node.run("ipset", "add", "ip-blocker-4", "192.0.2.128/25", "timeout", "100");
      }
      case NFTABLES -> {
        node.run("nft", "flush", "set", "inet", "ip-blocker", "v4-32-1");
        node.run(
            "nft",
            "add",
            "set",
            "inet",
            "ip-blocker",
            "v4-25",
            "{ type ipv4_addr; flags timeout; }");
        node.run(
            "nft", "add", "element", "inet", "ip-blocker", "v4-25", "{ 192.0.2.128 timeout 100s }");
      }
      case IPTABLES_RULES -> {
        node.run("iptables-legacy", "-t", "raw", "-F", "IP-BLOCKER");
        node.run(
            "iptables-legacy",
            "-t",
            "raw",
            "-A",
            "IP-BLOCKER",
            "-s",
            "192.0.2.128/25",
            "-j",
            "IP-BLOCKER.refuse");
      }
    }
    assertThat(PacketFilterContract.read(filter).keySet())
        .containsExactly(IpPrefix.parse("192.0.2.128/25"));
    filter.apply(TestChanges.of(v -> v.remove(IpPrefix.parse("192.0.2.128/25"))));
    assertThat(PacketFilterContract.read(filter)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void ensureAndApply_tenAtOnce_allGetTheLock(Backend backend)
      throws InterruptedException, ExecutionException {
    List<PacketFilter> filters = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      filters.add(open("node-" + i, backend));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(filters.size())) {
      List<Future<?>> running = new ArrayList<>();
      for (PacketFilter filter : filters) {
        running.add(
            threads.submit(() -> {
              for (int i = 1; i <= 5; i++) {
                filter.ensure(1_000);
                IpPrefix prefix = IpPrefix.parse("192.0.2." + i);
                filter.apply(TestChanges.putting(Map.of(prefix, PacketFilter.FOR_EVER)));
              }
            }));
      }
      for (Future<?> one : running) {
        one.get();
      }
    }
    for (PacketFilter filter : filters) {
      assertThat(filter.ensure(1_000)).isEmpty();
      assertThat(PacketFilterContract.read(filter)).hasSize(5);
    }
  }

  @Test
  void ensure_aSetWithAnotherMake_isReplacedWithItsElements() {
    long until = System.currentTimeMillis() + 100_000;
    node.run("ipset", "create", "ip-blocker-4", "hash:ip", "timeout", "0");
    node.run("ipset", "add", "ip-blocker-4", "192.0.2.1", "timeout", "100");
    node.run("ipset", "create", "ip-blocker-6", "hash:net", "family", "inet", "timeout", "0");
    PacketFilter filter = open("", Backend.IPSET);
    assertThat(filter.ensure(1_000))
        .contains("the set ip-blocker-4 was not of the type hash:net")
        .contains("the set ip-blocker-6 was not of the type hash:net");
    assertThat(filter.ensure(1_000)).isEmpty();
    PacketFilterContract.assertThatEndsAre(filter, Map.of(BANNED, until));
    assertThat(node.run("ipset", "list", "-name").lines())
        .containsExactlyInAnyOrder("ip-blocker-4", "ip-blocker-6");
  }

  private PacketFilter open(String name, Backend backend) {
    EnforcerConfig config = Configs.of(name, backend, Hook.RAW, Ports.INBOUND, Verdict.DROP);
    return PacketFilters.open(config, InstantSource.system(), node.command(List.of())).filter();
  }

  /** All rules and the names of all sets. */
  private String everything() {
    StringBuilder all = new StringBuilder();
    for (String table : List.of("raw", "filter")) {
      for (String program : List.of("iptables-legacy-save", "ip6tables-legacy-save")) {
        node.run(program, "-t", table)
            .lines()
            .filter(line -> !line.startsWith("#"))
            .sorted()
            .forEach(line -> all.append(line).append("\n"));
      }
    }
    return all + node.run("ipset", "list", "-name") + sortedNft();
  }

  private String sortedNft() {
    return String.join("\n", node.run("nft", "list", "ruleset").lines().sorted().toList());
  }
}
