package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.PortRange;
import io.ipsentry.config.EnforcerConfig.Ports;
import io.ipsentry.config.EnforcerConfig.Verdict;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RuleTextsTest {
  private static final PortRange EPHEMERAL = new PortRange(32_768, 60_999);

  @Test
  void banRule_textAndParse_agree() {
    for (String prefix : List.of("192.0.2.7", "192.0.2.0/25", "2001:db8::7", "2001:db8::/64")) {
      for (long until : List.of(1_795_690_911_325L, 1_795_690_911_000L, PacketFilter.FOR_EVER)) {
        BanRule rule = BanRule.of(IpPrefix.parse(prefix), until);
        assertThat(BanRule.parse(rule.text("DROP"), "DROP")).contains(rule);
        assertThat(rule.untilMillis())
            .isBetween(until, until == Long.MAX_VALUE ? until : until + 999);
      }
    }
  }

  @Test
  void banRule_text_namesTheLastSecondInUtc() {
    assertThat(BanRule.of(IpPrefix.parse("192.0.2.7"), 1_795_690_800_000L).text("DROP"))
        .isEqualTo("-s 192.0.2.7/32 -m time --datestop 2026-11-26T10:59:59 -j DROP");
    assertThat(BanRule.of(IpPrefix.parse("2001:db8::/64"), PacketFilter.FOR_EVER).text("DROP"))
        .isEqualTo("-s 2001:db8::/64 -j DROP");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-s 192.0.2.7/32 -j ACCEPT",
        "-s 192.0.2.7/32 -p tcp -j DROP",
        "! -s 192.0.2.7/32 -j DROP",
        "-s 192.0.2.7/32 -m time --datestop yesterday -j DROP",
        "-s host.example -j DROP",
        "-j DROP",
        ""
      })
  void banRule_whatIsNoBan_isNone(String rule) {
    assertThat(BanRule.parse(rule, "DROP")).isEmpty();
  }

  @Test
  void refusalRules_manyPorts_areSplitAsMultiportTakesThem() {
    List<PortRange> ranges =
        IntStream.range(0, 20)
            .mapToObj(i -> new PortRange(100 + 10 * i, 100 + 10 * i + i % 2))
            .toList();
    List<String> pieces = RefusalRules.pieces(ranges);
    assertThat(String.join(",", pieces).split(",")).hasSize(20);
    for (String piece : pieces) {
      assertThat(piece.split("[,:]").length).isLessThanOrEqualTo(15);
    }
  }

  @Test
  void refusalRules_inboundInRaw_letsPassWhatMayBeAReply() {
    assertThat(RefusalRules.of(config(Hook.RAW, Verdict.DROP), Family.V4, EPHEMERAL))
        .startsWith(
            "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",
            "-p tcp -m multiport ! --dports 32768:60999 -j DROP",
            "-p udp -m multiport ! --dports 32768:60999 -j DROP")
        .hasSize(6);
  }

  @Test
  void refusalRules_reject_tellsTcpAndOthersInTheirWays() {
    assertThat(RefusalRules.of(config(Hook.FILTER, Verdict.REJECT), Family.V6, EPHEMERAL))
        .startsWith(
            "-p tcp -m conntrack --ctdir ORIGINAL -j REJECT --reject-with tcp-reset",
            "-m conntrack --ctdir ORIGINAL -j REJECT --reject-with icmp6-port-unreachable");
  }

  @Test
  void forwardedFor_addresses_areSearchedForAsProxiesWriteThem() {
    assertThat(ForwardedForFilter.texts(IpPrefix.parse("192.0.2.7")))
        .containsExactly("--string \" 192.0.2.7,\"", "--hex-string \"|203139322e302e322e370d|\"");
    assertThat(ForwardedForFilter.texts(IpPrefix.parse("10.0.0.0/8")))
        .containsExactly("--string \" 10.\"");
    assertThat(ForwardedForFilter.texts(IpPrefix.parse("2001:db8:0:1::/64")))
        .containsExactly("--string \" 2001:db8:0:1:\"");
    for (String impossible :
        List.of("192.0.2.0/23", "2001:db8::/64", "2001:0:0:1::/64", "2001:db8:1::/64", "::/96")) {
      assertThat(ForwardedForFilter.texts(IpPrefix.parse(impossible))).as(impossible).isEmpty();
    }
  }

  private static EnforcerConfig config(Hook hook, Verdict verdict) {
    return Configs.of("", Backend.IPSET, hook, Ports.INBOUND, verdict);
  }
}
