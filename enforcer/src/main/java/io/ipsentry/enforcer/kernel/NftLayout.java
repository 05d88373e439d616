package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.PortRange;
import io.ipsentry.config.EnforcerConfig.Verdict;
import io.ipsentry.net.IpPrefix;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The sets, chains and rules of an instance in nftables, as text for {@code nft -f}.
 *
 * <p>There is one hash set for each length of prefix that is in use, and a rule that looks the
 * masked source up in it: so an element is added or removed at the same cost however many there
 * are, and prefixes may lie in one another with ends of their own, which an interval set cannot
 * hold. IPv4 addresses are spread over {@value #SHARDS} sets by their last bits, because the kernel
 * lists a set in time that grows with the square of its size.
 *
 * <p>Nothing returns from where it was sent ({@code goto}): who is refused is refused by one chain,
 * whichever prefix he is in, and an IPv4 packet ends at the set of its address, the last that can
 * hold it, before the rules of IPv6.
 *
 * @param sets type by name
 * @param chains by name; a hook, if it is a base chain, is the first line
 */
record NftLayout(Map<String, String> sets, Map<String, Chain> chains) {
  /** Of the set of IPv4 addresses; a power of two. */
  static final int SHARDS = 32;

  private static final List<String> SHARD_NAMES =
      IntStream.range(0, SHARDS).mapToObj(number -> "v4-32-" + number).toList();

  private static final String SOURCES = "sources";

  /**
   * A chain.
   *
   * @param hook empty unless it is a base chain
   * @param rules in their order
   */
  record Chain(String hook, List<String> rules) {
    Chain {
      rules = List.copyOf(rules);
    }
  }

  /** Name of the set that holds prefixes like this one. */
  static String set(IpPrefix prefix) {
    if (prefix.isV4() && prefix.isAddress()) {
      return shard((int) prefix.lo() & SHARDS - 1);
    }
    return set(Family.of(prefix), prefix.bits());
  }

  /** The chain whose rules refuse packets of a family. */
  static String refuse(Family family) {
    return "refuse" + family.digit();
  }

  /**
   * The layout.
   *
   * @param lengths of prefixes that are in use, by family: 1 to 31, 1 to 127 (and 128 in any case)
   */
  static NftLayout of(
      EnforcerConfig config, Map<Family, NavigableSet<Integer>> lengths, PortRange ephemeral) {
    NftLayout layout = new NftLayout(new LinkedHashMap<>(), new LinkedHashMap<>());
    for (Family family : Family.values()) {
      layout.chains.put(
          refuse(family), new Chain("", new Refusals(config, family, ephemeral).rules()));
    }
    List<String> sources = new ArrayList<>();
    List<String> gotos = new ArrayList<>();
    for (int shard = 0; shard < SHARDS; shard++) {
      layout.sets.put(shard(shard), "ipv4_addr");
      String rule = "ip saddr @" + shard(shard) + " goto " + refuse(Family.V4);
      layout.chains.put(shard(shard), new Chain("", List.of(rule)));
      gotos.add("0.0.0." + shard + " : goto " + shard(shard));
    }
    for (Family family : Family.values()) {
      lengths
          .getOrDefault(family, Collections.emptyNavigableSet())
          .descendingSet()
          .forEach(bits -> layout.add(family, bits, sources));
      if (family == Family.V4) {
        sources.add(
            "ip saddr & 0.0.0." + (SHARDS - 1) + " vmap { " + String.join(", ", gotos) + " }");
      }
    }
    layout.chains.put(SOURCES, new Chain("", sources));
    hooks(config)
        .forEach(
            (name, hook) -> layout.chains.put(name, new Chain(hook, List.of("goto " + SOURCES))));
    return layout;
  }

  private void add(Family family, int bits, List<String> sources) {
    String set = set(family, bits);
    sets.put(set, family == Family.V4 ? "ipv4_addr" : "ipv6_addr");
    IpPrefix ones =
        family == Family.V4 ? IpPrefix.ofV4(-1).truncate(bits) : IpPrefix.of(-1, -1, bits);
    String mask = ones.isAddress() ? "" : " & " + ones.toString().replaceFirst("/.*", "");
    sources.add(family.nft() + " saddr" + mask + " @" + set + " goto " + refuse(family));
  }

  private static Map<String, String> hooks(EnforcerConfig config) {
    return switch (config.hook()) {
      case RAW -> Map.of("prerouting", hook("prerouting", -300));
      case FILTER -> Map.of("input", hook("input", 0), "forward", hook("forward", 0));
      // Docker's own table is another; what counts is to be before it.
      case DOCKER_USER -> Map.of("forward", hook("forward", -1));
    };
  }

  private static String hook(String name, int priority) {
    return "type filter hook " + name + " priority " + priority + "; policy accept;";
  }

  private static String shard(int number) {
    return SHARD_NAMES.get(number);
  }

  private static String set(Family family, int bits) {
    return "v" + family.digit() + "-" + bits;
  }

  /** Which packets of a banned source are refused; the meaning is that of {@link RefusalRules}. */
  private record Refusals(EnforcerConfig config, Family family, PortRange ephemeral) {
    private static final String LISTED = "meta l4proto { tcp, udp } ";

    List<String> rules() {
      boolean raw = config.hook() == EnforcerConfig.Hook.RAW;
      List<String> matches =
          switch (config.ports().kind()) {
            case ALL -> List.of("");
            case INBOUND ->
                raw
                    ? List.of(
                        "tcp flags & (fin|syn|rst|ack) == syn ",
                        "meta l4proto { tcp, udp, sctp, dccp, udplite } th dport != "
                            + text(ephemeral)
                            + " ")
                    : List.of("ct direction original ", "ct state invalid,untracked ");
            case LIST ->
                raw
                    ? List.of(LISTED + "th dport " + list() + " ")
                    : List.of(
                        LISTED + "ct direction original ct original proto-dst " + list() + " ",
                        LISTED + "ct state invalid,untracked th dport " + list() + " ");
          };
      return matches.stream().flatMap(match -> refuse(match).stream()).toList();
    }

    private List<String> refuse(String match) {
      if (config.verdict() == Verdict.DROP) {
        return List.of(match + "counter drop");
      }
      String icmp = family == Family.V4 ? "icmp" : "icmpv6";
      return List.of(
          "meta l4proto tcp " + match + "counter reject with tcp reset",
          match + "counter reject with " + icmp + " port-unreachable");
    }

    private String list() {
      return config.ports().list().stream()
          .map(Refusals::text)
          .collect(Collectors.joining(", ", "{ ", " }"));
    }

    private static String text(PortRange range) {
      return range.first() == range.last()
          ? Integer.toString(range.first())
          : range.first() + "-" + range.last();
    }
  }
}
