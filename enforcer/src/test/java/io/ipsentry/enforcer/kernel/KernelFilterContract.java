package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.Ports;
import io.ipsentry.config.EnforcerConfig.Verdict;
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

/** The promises of a {@link PacketFilter} that is made of a real kernel. */
@RequiresRoot
@RequiresProgram({"ip", "ipset", "iptables-legacy", "ip6tables-legacy", "nft"})
abstract class KernelFilterContract extends PacketFilterContract {
  NetworkNamespace node;

  /** The backend under test. */
  abstract EnforcerConfig.Backend backend();

  @BeforeEach
  void makeNamespace() {
    node = NetworkNamespace.create("filter");
  }

  @AfterEach
  void removeNamespace() {
    node.close();
  }

  @Override
  PacketFilter filter() {
    return filter(Configs.of(backend()));
  }

  PacketFilter filter(EnforcerConfig config) {
    return PacketFilters.open(config, InstantSource.system(), node.command(List.of())).filter();
  }

  @Test
  void name_isThatOfTheConfiguration() {
    assertThat(filter().name()).isEqualTo(backend().wireName());
  }

  @Test
  void ensure_byAProcessThatComesLater_adoptsWhatIsThere() {
    Map<IpPrefix, Long> bans =
        Map.of(
            IpPrefix.parse("192.0.2.1"),
            System.currentTimeMillis() + 100_000,
            IpPrefix.parse("2001:db8::/56"),
            PacketFilter.FOR_EVER);
    ensured().apply(TestChanges.putting(bans));
    PacketFilter later = filter();
    assertThat(later.ensure(1_000)).isEmpty();
    assertThatEndsAre(later, bans);
  }

  @Test
  void ensureAndFlush_whatOthersMade_isLeftAlone() {
    makeForeignThings();
    String before = everythingOfOthers();
    PacketFilter filter = ensured();
    filter.apply(TestChanges.putting(Map.of(IpPrefix.parse("192.0.2.1"), Long.MAX_VALUE)));
    assertThat(everythingOfOthers()).isEqualTo(before);
    filter.flush();
    assertThat(everythingOfOthers()).isEqualTo(before);
    assertThat(node.run("iptables-legacy-save") + node.run("ip6tables-legacy-save"))
        .doesNotContain("IP-BLOCKER");
    assertThat(node.run("ipset", "list", "-name") + node.run("nft", "list", "tables"))
        .doesNotContain("ip-blocker");
  }

  @Test
  void ensure_twoInstances_doNotDisturbEachOther() {
    PacketFilter first = filter(Configs.of("", backend()));
    PacketFilter second = filter(Configs.of("edge-2", backend()));
    IpPrefix ofFirst = IpPrefix.parse("192.0.2.1");
    IpPrefix ofSecond = IpPrefix.parse("192.0.2.2");
    first.ensure(1_000);
    second.ensure(1_000);
    first.apply(TestChanges.putting(Map.of(ofFirst, PacketFilter.FOR_EVER)));
    second.apply(TestChanges.putting(Map.of(ofSecond, PacketFilter.FOR_EVER)));
    assertThat(first.ensure(1_000)).isEmpty();
    assertThat(second.ensure(1_000)).isEmpty();
    assertThatEndsAre(first, Map.of(ofFirst, PacketFilter.FOR_EVER));
    first.flush();
    assertThat(second.ensure(1_000)).isEmpty();
    assertThatEndsAre(second, Map.of(ofSecond, PacketFilter.FOR_EVER));
  }

  @Test
  void ensure_anotherHookThanBefore_leavesNothingAtTheOldOne() {
    ensured().apply(TestChanges.putting(Map.of(IpPrefix.parse("192.0.2.1"), Long.MAX_VALUE)));
    EnforcerConfig other = Configs.of("", backend(), Hook.FILTER, Ports.INBOUND, Verdict.REJECT);
    PacketFilter filter = filter(other);
    assertThat(filter.ensure(1_000)).isNotEmpty();
    assertThat(filter.ensure(1_000)).isEmpty();
    assertThat(node.run("iptables-legacy-save", "-t", "raw")).doesNotContain("IP-BLOCKER");
    assertThat(node.run("nft", "list", "ruleset")).doesNotContain("hook prerouting");
  }

  /** Tables, rules and sets such as a node has, of names that are near to ours. */
  private void makeForeignThings() {
    for (String program : List.of("iptables-legacy", "ip6tables-legacy")) {
      node.run(program, "-t", "raw", "-N", "IPBLOCKER");
      node.run(program, "-t", "raw", "-A", "IPBLOCKER", "-p", "tcp", "--dport", "1", "-j", "DROP");
      node.run(program, "-t", "raw", "-A", "PREROUTING", "-j", "IPBLOCKER");
      node.run(program, "-N", "KUBE-FORWARD");
      node.run(program, "-I", "FORWARD", "-j", "KUBE-FORWARD");
      node.run(program, "-P", "FORWARD", "DROP");
    }
    node.run("ipset", "create", "ipblocker-4", "hash:ip");
    node.run("ipset", "add", "ipblocker-4", "192.0.2.9");
    node.run("nft", "add", "table", "inet", "ip_blocker");
    node.run("nft", "add", "chain", "inet", "ip_blocker", "prerouting");
    node.run("nft", "add", "rule", "inet", "ip_blocker", "prerouting", "drop");
  }

  private String everythingOfOthers() {
    StringBuilder all = new StringBuilder();
    for (String program : List.of("iptables-legacy-save", "ip6tables-legacy-save")) {
      node.run(program)
          .lines()
          .filter(line -> !line.startsWith("#") && !line.contains("IP-BLOCKER"))
          .forEach(line -> all.append(line).append('\n'));
    }
    return all
        + node.run("ipset", "save", "ipblocker-4")
        + node.run("nft", "list", "table", "inet", "ip_blocker");
  }
}
