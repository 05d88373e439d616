package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.PortRange;
import io.ipsentry.config.EnforcerConfig.Verdict;
import java.util.ArrayList;
import java.util.List;

/**
 * Which packets of a banned source are refused, as iptables rules behind {@code -A CHAIN }, in the
 * words of {@code iptables-save}.
 *
 * <p>In {@code raw} nothing is known of connections. {@code inbound} is told there by the ports: a
 * packet that begins a TCP connection, or goes to a port outside the range from which the kernel
 * takes the ports of our own connections ({@code net.ipv4.ip_local_port_range}), is no reply to us.
 * Protocols without ports pass. Behind connection tracking it is exact: what goes in the direction
 * of a connection that the source began. {@code list} means the ports that the client used, there
 * with {@code --ctorigdstport}, because NAT has changed them.
 */
final class RefusalRules {
  /** Ports that one {@code multiport} takes; a range counts as two. */
  private static final int MULTIPORT = 15;

  private static final List<String> WITH_PORTS = List.of("tcp", "udp", "sctp", "dccp", "udplite");

  private static final List<String> LISTED = List.of("tcp", "udp");

  /** Packets that connection tracking does not know, or was told to leave alone. */
  private static final String UNKNOWN = "-m conntrack --ctstate INVALID,UNTRACKED";

  private final EnforcerConfig config;
  private final Family family;
  private final PortRange ephemeral;
  private final List<String> rules = new ArrayList<>();

  private RefusalRules(EnforcerConfig config, Family family, PortRange ephemeral) {
    this.config = config;
    this.family = family;
    this.ephemeral = ephemeral;
  }

  /**
   * The rules.
   *
   * @param ephemeral from which the kernel takes ports of our own connections
   */
  static List<String> of(EnforcerConfig config, Family family, PortRange ephemeral) {
    RefusalRules made = new RefusalRules(config, family, ephemeral);
    switch (config.ports().kind()) {
      case ALL -> made.refuse("");
      case INBOUND -> made.inbound();
      case LIST -> made.listed();
    }
    return List.copyOf(made.rules);
  }

  private void inbound() {
    if (config.hook() != Hook.RAW) {
      refuse("-m conntrack --ctdir ORIGINAL");
      refuse(UNKNOWN);
      return;
    }
    refuse("-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN");
    for (String protocol : WITH_PORTS) {
      refuse("-p " + protocol + " -m multiport ! --dports " + text(ephemeral));
    }
  }

  private void listed() {
    for (String protocol : LISTED) {
      for (String ports : pieces(config.ports().list())) {
        if (config.hook() == Hook.RAW) {
          refuse("-p " + protocol + " -m multiport --dports " + ports);
        } else {
          refuse("-p " + protocol + " -m multiport --dports " + ports + " " + UNKNOWN);
        }
      }
      if (config.hook() != Hook.RAW) {
        for (PortRange range : config.ports().list()) {
          refuse(
              "-p "
                  + protocol
                  + " -m conntrack --ctorigdstport "
                  + text(range)
                  + " --ctdir ORIGINAL");
        }
      }
    }
  }

  private void refuse(String match) {
    String spaced = match.isEmpty() ? "" : match + " ";
    if (config.verdict() == Verdict.DROP) {
      rules.add(spaced + "-j DROP");
      return;
    }
    String unreachable = family == Family.V4 ? "icmp-port-unreachable" : "icmp6-port-unreachable";
    boolean tcp = match.startsWith("-p tcp ");
    if (tcp || !match.startsWith("-p ")) {
      rules.add((tcp ? spaced : "-p tcp " + spaced) + "-j REJECT --reject-with tcp-reset");
    }
    if (!tcp) {
      rules.add(spaced + "-j REJECT --reject-with " + unreachable);
    }
  }

  /** Lists of ports, each as long as {@code multiport} takes. */
  static List<String> pieces(List<PortRange> ranges) {
    List<String> pieces = new ArrayList<>();
    StringBuilder piece = new StringBuilder();
    int used = 0;
    for (PortRange range : ranges) {
      int needed = range.first() == range.last() ? 1 : 2;
      if (used + needed > MULTIPORT) {
        pieces.add(piece.toString());
        piece.setLength(0);
        used = 0;
      }
      piece.append(piece.isEmpty() ? "" : ",").append(text(range));
      used += needed;
    }
    if (!piece.isEmpty()) {
      pieces.add(piece.toString());
    }
    return pieces;
  }

  /** As iptables writes a range. */
  static String text(PortRange range) {
    return range.first() == range.last()
        ? Integer.toString(range.first())
        : range.first() + ":" + range.last();
  }
}
