package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Kernels that lack a module. The programs are the real ones; strace gives their calls the errors
 * that such a kernel answers, so what they say of it is what they say there.
 */
@RequiresRoot
@RequiresProgram({"ip", "ipset", "iptables-legacy", "ip6tables-legacy", "nft", "strace", "cat"})
class MissingModuleIT {
  /** No nfnetlink, on which ip_set and nf_tables are built. */
  private static final String NO_NETLINK = "socket:error=EPROTONOSUPPORT";

  /** No iptable_raw. */
  private static final String NO_TABLE = "getsockopt:error=ENOENT";

  /** No ip_tables, as on kernels that have given up iptables-legacy. */
  private static final String NO_IPTABLES = "getsockopt:error=ENOPROTOOPT";

  /** No xt_set: what comes after the table was read asks for the match. */
  private static final String NO_MATCH = "getsockopt:error=ENOPROTOOPT:when=3+";

  private NetworkNamespace node;

  @BeforeEach
  void makeNamespace() {
    node = NetworkNamespace.create("module");
  }

  @AfterEach
  void removeNamespace() {
    node.close();
  }

  @ParameterizedTest
  @CsvSource({
    "IPSET," + NO_NETLINK + ",ip_set",
    "NFTABLES," + NO_NETLINK + ",nf_tables",
    "IPSET," + NO_TABLE + ",iptable_raw",
    "IPTABLES_RULES," + NO_TABLE + ",iptable_raw",
    "IPSET," + NO_IPTABLES + ",iptable_raw",
    "IPSET," + NO_MATCH + ",xt_set",
  })
  void ensure_moduleIsMissing_saysWhich(Backend backend, String failure, String module) {
    assertThatThrownBy(() ->
            PacketFilters.open(Configs.of(backend), InstantSource.system(), kernelWithout(failure))
                .filter()
                .ensure(1_000))
        .isInstanceOfSatisfying(
            PacketFilterException.class,
            e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(Cause.NO_MODULE))
        .hasMessageContaining(module);
  }

  @Test
  void auto_noModuleAtAll_saysSoOfAll() {
    assertThatThrownBy(() ->
            PacketFilters.open(
                EnforcerConfig.DEFAULT, InstantSource.system(), kernelWithout(NO_NETLINK)))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.NO_MODULE))
        .hasMessageContaining("ip_set")
        .hasMessageContaining("nf_tables");
  }

  @Test
  void auto_kernelHasGivenUpIptables_isNftablesAndEnforces() {
    List<String> prefix = kernelWithout(NO_IPTABLES);
    EnforcerConfig config = EnforcerConfig.DEFAULT;
    PacketFilters.Choice choice = PacketFilters.open(config, InstantSource.system(), prefix);
    PacketFilter filter = choice.filter();
    assertThat(filter.name()).isEqualTo("nftables");
    assertThat(choice.reason()).contains("iptable_raw");
    filter.ensure(1_000);
    IpPrefix banned = IpPrefix.parse("192.0.2.1");
    filter.apply(TestChanges.putting(Map.of(banned, PacketFilter.FOR_EVER)));
    assertThat(PacketFilters.flushOthers(config, InstantSource.system(), filter, prefix)).isEmpty();
    PacketFilterContract.assertThatEndsAre(filter, Map.of(banned, PacketFilter.FOR_EVER));
  }

  private List<String> kernelWithout(String failure) {
    String call = failure.substring(0, failure.indexOf(':'));
    List<String> trace = List.of("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call);
    List<String> prefix = new ArrayList<>(node.command(trace));
    prefix.addAll(List.of("-e", "inject=" + failure));
    return prefix;
  }
}
