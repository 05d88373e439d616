package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.PortRange;
import io.ipsentry.enforcer.kernel.PacketFilter.DropCounters;
import io.ipsentry.net.IpPrefix;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Drops packets to ports of plain HTTP in which the text of an {@code X-Forwarded-For} header names
 * a banned address: for a node behind a proxy, which sees no packet of the client itself.
 *
 * <p>It is a search for text in single packets, and no more. It sees nothing of TLS, HTTP/2 or a
 * header that two packets share; a packet that is dropped stalls the proxy's connection, on which
 * others' requests may wait as well; and whoever reaches the node past the proxy writes what he
 * likes. It is written by iptables-legacy whatever the backend, since nftables cannot search text.
 * At most {@value #MAX_BANS} bans, since each is compared with every packet that has the header.
 *
 * <p>An address is looked for as proxies write it: behind a space, canonical, and before a comma or
 * the end of the line. Of networks, those can be looked for whose addresses begin with the same
 * text: IPv4 /8, /16 and /24, and IPv6 /64 whose four groups are always written out.
 *
 * <p>One thread at a time. See iptables-extensions(8), string and time.
 */
public final class ForwardedForFilter {
  /** More bans than this are left out. */
  public static final int MAX_BANS = 500;

  private static final String HEADER = "-m string --string \"X-Forwarded-For:\" --algo bm --icase";

  private final EnforcerConfig config;
  private final InstantSource clock;
  private final InstanceNames names;
  private final XtablesPlace place;

  private ForwardedForFilter(KernelPrograms programs, EnforcerConfig config, InstantSource clock) {
    this.config = config;
    this.clock = clock;
    names = new InstanceNames(config.name());
    place =
        new XtablesPlace(
            programs,
            config.hook(),
            List.of(names.forwardedForChain(), names.forwardedForAddressChain()));
  }

  /**
   * For what {@link EnforcerConfig#forwardedForPorts()} names; without ports, only {@link #flush}
   * makes sense. Nothing is changed yet.
   */
  public static ForwardedForFilter open(EnforcerConfig config, InstantSource clock) {
    return open(config, clock, PacketFilters.prefix(config));
  }

  static ForwardedForFilter open(EnforcerConfig config, InstantSource clock, List<String> prefix) {
    return new ForwardedForFilter(new KernelPrograms(prefix), config, clock);
  }

  /**
   * A ban, of whatever provenance.
   *
   * @param untilMillis milliseconds since 1970; {@link PacketFilter#FOR_EVER}
   */
  public record Ban(IpPrefix prefix, long untilMillis) {}

  /**
   * What became of bans.
   *
   * @param leftOut those that cannot be looked for, and those beyond {@value #MAX_BANS}
   * @param mended what had to be made or was written anew, for people; empty: all was as asked
   */
  public record Outcome(List<IpPrefix> leftOut, List<String> mended) {
    public Outcome {
      leftOut = List.copyOf(leftOut);
      mended = List.copyOf(mended);
    }
  }

  /**
   * Makes these bans, in this order, the ones that are looked for, and mends what others changed.
   * The kernel lets each end by itself. Unchanged bans are not written again.
   *
   * @throws PacketFilterException if the kernel or its programs do not allow it
   */
  public Outcome enforce(List<Ban> bans) {
    List<String> rules = new ArrayList<>();
    List<IpPrefix> leftOut = new ArrayList<>();
    int count = 0;
    for (Ban ban : bans) {
      if (ban.untilMillis() <= clock.millis()) {
        continue;
      }
      List<String> texts = texts(ban.prefix());
      if (texts.isEmpty() || count == MAX_BANS) {
        leftOut.add(ban.prefix());
        continue;
      }
      count++;
      String end = BanRule.of(ban.prefix(), ban.untilMillis()).timeMatch();
      texts.forEach(text -> rules.add("-m string " + text + " --algo bm " + end + "-j DROP"));
    }
    Map<String, List<String>> chains = new LinkedHashMap<>();
    chains.put(names.forwardedForChain(), ports());
    chains.put(names.forwardedForAddressChain(), List.copyOf(rules));
    return new Outcome(leftOut, place.ensure(family -> chains));
  }

  private List<String> ports() {
    String then = " " + HEADER + " -j " + names.forwardedForAddressChain();
    if (config.hook() == Hook.RAW) {
      return RefusalRules.pieces(config.forwardedForPorts()).stream()
          .map(piece -> "-p tcp -m multiport --dports " + piece + then)
          .toList();
    }
    return config.forwardedForPorts().stream().map(range -> tracked(range) + then).toList();
  }

  /** By the port that the proxy used, before NAT. */
  private static String tracked(PortRange range) {
    return "-p tcp -m conntrack --ctorigdstport " + RefusalRules.text(range) + " --ctdir ORIGINAL";
  }

  /** What to search for, as options of the match; empty: it cannot be searched for. */
  static List<String> texts(IpPrefix prefix) {
    if (prefix.isAddress()) {
      return List.of(string(" " + prefix + ","), hex(" " + prefix + "\r"));
    }
    return beginning(prefix).map(text -> List.of(string(text))).orElse(List.of());
  }

  /** What all addresses of a network begin with, and no other. */
  private static Optional<String> beginning(IpPrefix prefix) {
    IpPrefix first = IpPrefix.address(prefix.hi(), prefix.lo());
    int groups = prefix.isV4() ? prefix.bits() / 8 : prefix.bits() / 16;
    if (prefix.isV4() ? prefix.bits() % 8 != 0 || groups == 0 : prefix.bits() != 64) {
      return Optional.empty();
    }
    if (prefix.isV4()) {
      String[] bytes = first.toString().split("\\.");
      return Optional.of(" " + String.join(".", List.of(bytes).subList(0, groups)) + ".");
    }
    // Zero groups may be hidden in "::", depending on what follows: two in a row, or the last one.
    StringBuilder text = new StringBuilder(" ");
    int before = -1;
    for (int shift = 48; shift >= 0; shift -= 16) {
      int group = (int) (prefix.hi() >>> shift) & 0xffff;
      if (group == 0 && (before == 0 || shift == 0)) {
        return Optional.empty();
      }
      text.append(Integer.toHexString(group)).append(':');
      before = group;
    }
    return Optional.of(text.toString());
  }

  private static String string(String text) {
    return "--string \"" + text + "\"";
  }

  /** iptables shows text with control characters in this way. */
  private static String hex(String text) {
    return "--hex-string \"|"
        + HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII))
        + "|\"";
  }

  /** What was dropped since the rules were written. */
  public DropCounters drops() {
    return place.drops();
  }

  /** Removes everything of this, wherever it is. */
  public void flush() {
    place.remove();
  }
}
