package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Where a node's own rules are, and what an instance leaves when its backend changes. */
@RequiresRoot
@RequiresProgram({
  "ip",
  "ipset",
  "iptables-legacy",
  "ip6tables-legacy",
  "iptables-nft",
  "nft",
  "unshare"
})
class NodeRulesIT {
  private NetworkNamespace node;

  @BeforeEach
  void makeNamespace() {
    node = NetworkNamespace.create("rules");
  }

  @AfterEach
  void removeNamespace() {
    node.close();
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void read_onlyOurOwnAreThere_noneIsCountedAndAllGoesWithIt(Backend backend) {
    PacketFilter filter = open(backend);
    filter.ensure(10);
    NodeRules rules = NodeRules.read(programs());
    assertThat(rules).isEqualTo(new NodeRules(0, 0, false, false));
    assertThat(rules.mismatch(filter)).isEmpty();
  }

  @Test
  void nftables_onANodeWithoutLegacyTables_makesNone() {
    PacketFilter filter = open(Backend.NFTABLES);
    filter.ensure(10);
    List<String> prefix = node.command(List.of());
    PacketFilters.flushOthers(Configs.of(Backend.NFTABLES), InstantSource.system(), filter, prefix);
    NodeRules.read(programs());
    filter.flush();
    assertThat(node.run("cat", "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"))
        .isEmpty();
  }

  @Test
  void read_kubernetesInLegacy_nftablesDoesNotGoWithIt() {
    kubernetes("iptables-legacy");
    open(Backend.NFTABLES).ensure(10);
    NodeRules rules = NodeRules.read(programs());
    assertThat(rules).isEqualTo(new NodeRules(2, 0, true, false));
    assertThat(rules.mismatch(open(Backend.IPSET))).isEmpty();
    assertThat(rules.mismatch(open(Backend.NFTABLES)).orElseThrow())
        .contains("own rules are in iptables-legacy (2, against 0 in nftables)")
        .contains("enforcer.backend ipset goes with the node");
  }

  @Test
  void read_kubernetesInNftables_legacyDoesNotGoWithIt() {
    kubernetes("iptables-nft");
    // More, but not what routes the services.
    for (int i = 0; i < 10; i++) {
      node.run("iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "2" + i, "-j", "ACCEPT");
    }
    open(Backend.IPSET).ensure(10);
    NodeRules rules = NodeRules.read(programs());
    assertThat(rules).isEqualTo(new NodeRules(10, 2, false, true));
    assertThat(rules.mismatch(open(Backend.NFTABLES))).isEmpty();
    assertThat(rules.mismatch(open(Backend.IPSET)).orElseThrow())
        .contains("enforcer.backend nftables goes with the node");
    assertThat(rules.mismatch(open(Backend.IPTABLES_RULES))).isPresent();
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void flushOthers_backendWasAnother_onlyTheNewOneIsLeft(Backend backend) {
    Map<IpPrefix, Long> bans = Map.of(IpPrefix.parse("192.0.2.1"), PacketFilter.FOR_EVER);
    for (Backend other : Backend.values()) {
      PacketFilter filter = open(other);
      filter.ensure(10);
      filter.apply(TestChanges.putting(bans));
    }
    PacketFilter filter = open(backend);
    filter.ensure(10);
    filter.apply(TestChanges.putting(bans));
    List<String> prefix = node.command(List.of());
    InstantSource clock = InstantSource.system();
    assertThat(PacketFilters.flushOthers(Configs.of(backend), clock, filter, prefix)).isNotEmpty();
    assertThat(PacketFilters.flushOthers(Configs.of(backend), clock, filter, prefix)).isEmpty();
    assertThat(filter.ensure(10)).isEmpty();
    PacketFilterContract.assertThatEndsAre(filter, bans);
    assertThat(node.run("iptables-legacy-save").contains("IP-BLOCKER"))
        .isEqualTo(backend != Backend.NFTABLES);
    assertThat(node.run("nft", "list", "tables").contains("ip-blocker"))
        .isEqualTo(backend == Backend.NFTABLES);
    assertThat(node.run("ipset", "list", "-name").contains("ip-blocker"))
        .isEqualTo(backend == Backend.IPSET);
  }

  private void kubernetes(String iptables) {
    node.run(iptables, "-t", "nat", "-N", "KUBE-SERVICES");
    node.run(iptables, "-t", "nat", "-A", "PREROUTING", "-j", "KUBE-SERVICES");
    node.run(iptables, "-A", "FORWARD", "-p", "tcp", "-j", "ACCEPT");
  }

  private KernelPrograms programs() {
    return new KernelPrograms(node.command(List.of()));
  }

  private PacketFilter open(Backend backend) {
    return PacketFilters.open(Configs.of(backend), InstantSource.system(), node.command(List.of()))
        .filter();
  }
}
