package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.PortRange;
import io.ipsentry.config.EnforcerConfig.Ports;
import io.ipsentry.config.EnforcerConfig.Verdict;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import io.ipsentry.net.IpPrefix;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Bans as rules of iptables-legacy, one a ban, as the original ip-sentry made them. Every packet
 * passes all of them, so there are at most {@value #MAX_ELEMENTS}.
 *
 * <p>iptables has no rule that is removed by itself. Each carries its end as a date instead, past
 * which it matches no more ({@code -m time}, UTC, whole seconds, wall clock of the kernel), also
 * when this process is dead; it is taken out with the next change. See iptables-extensions(8).
 *
 * <p>Threads as {@link PacketFilter} says.
 */
final class RulesFilter implements PacketFilter {
  static final int MAX_ELEMENTS = 2_000;

  private static final String DROP = "DROP";

  private final KernelPrograms programs;
  private final EnforcerConfig config;
  private final InstantSource clock;
  private final InstanceNames names;
  private final XtablesPlace place;
  private final String target;

  /** What rules had counted that are gone: packets and bytes of IPv4, then of IPv6. */
  private final long[] gone = new long[4];

  RulesFilter(KernelPrograms programs, EnforcerConfig config, InstantSource clock) {
    this.programs = programs;
    this.config = config;
    this.clock = clock;
    names = new InstanceNames(config.name());
    place = new XtablesPlace(programs, config.hook(), List.of(names.chain(), names.refuseChain()));
    boolean plain = config.ports().kind() == Ports.Kind.ALL && config.verdict() == Verdict.DROP;
    target = plain ? DROP : names.refuseChain();
  }

  @Override
  public String name() {
    return EnforcerConfig.Backend.IPTABLES_RULES.wireName();
  }

  /**
   * Fails if the programs or the kernel cannot do this.
   *
   * @throws PacketFilterException with what is in the way
   */
  void probe() {
    for (Family family : place.families()) {
      place.wantedChains(family).read();
    }
  }

  @Override
  public List<String> ensure(int elements) {
    requireRoom(elements);
    PortRange ephemeral = LocalPorts.ephemeral(programs);
    List<String> mended = place.ensure(family -> chains(family, ephemeral));
    for (Family family : place.families()) {
      change(family, Map.of());
    }
    return mended;
  }

  private static void requireRoom(int elements) {
    if (elements > MAX_ELEMENTS) {
      throw new PacketFilterException(
          Cause.TOO_MANY,
          "the backend iptables-rules holds at most "
              + MAX_ELEMENTS
              + " bans, not "
              + elements
              + ", because each packet passes every rule: use ipset or nftables");
    }
  }

  /** Bans that are there stay, also if packets went elsewhere; what is no ban of ours goes. */
  private Map<String, List<String>> chains(Family family, PortRange ephemeral) {
    List<String> bans =
        place.wantedChains(family).read().texts(names.chain()).stream()
            .map(text ->
                BanRule.parse(text, DROP)
                    .or(() -> BanRule.parse(text, names.refuseChain()))
                    .map(ban -> ban.text(target)))
            .flatMap(Optional::stream)
            .toList();
    Map<String, List<String>> chains = new LinkedHashMap<>();
    chains.put(names.chain(), bans);
    if (target.equals(names.refuseChain())) {
      chains.put(names.refuseChain(), RefusalRules.of(config, family, ephemeral));
    }
    return chains;
  }

  @Override
  public long maxTimeoutMillis() {
    return Math.max(0, BanRule.LAST.toEpochMilli() - clock.millis());
  }

  @Override
  public void apply(Changes changes) {
    Map<Family, Map<IpPrefix, Long>> last = new EnumMap<>(Family.class);
    changes.forEach(
        new ChangeVisitor() {
          @Override
          public void put(IpPrefix prefix, long untilMillis) {
            Elements.requireNotEverybody(prefix);
            last.computeIfAbsent(Family.of(prefix), any -> new LinkedHashMap<>())
                .put(prefix, untilMillis);
          }

          @Override
          public void remove(IpPrefix prefix) {
            put(prefix, 0);
          }
        });
    last.forEach(this::change);
  }

  /** Writes the chain of a family anew, as a whole, if it changes. */
  private void change(Family family, Map<IpPrefix, Long> changes) {
    long now = clock.millis();
    List<XtablesChains.Rule> there = bans(family);
    Map<IpPrefix, XtablesChains.Rule> wanted = new LinkedHashMap<>();
    for (XtablesChains.Rule rule : there) {
      Optional<BanRule> ban = BanRule.parse(rule.text(), target);
      if (ban.isPresent() && ban.get().untilMillis() > now) {
        wanted.put(ban.get().prefix(), rule);
      }
    }
    changes.forEach((prefix, until) -> {
      XtablesChains.Rule old = wanted.get(prefix);
      String text = BanRule.of(prefix, until).text(target);
      if (until <= now) {
        wanted.remove(prefix);
      } else if (old == null || !old.text().equals(text)) {
        wanted.put(
            prefix,
            old == null
                ? XtablesChains.Rule.of(text)
                : new XtablesChains.Rule(old.packets(), old.bytes(), text));
      }
    });
    List<XtablesChains.Rule> rules = List.copyOf(wanted.values());
    if (rules.equals(there)) {
      return;
    }
    requireRoom(rules.size());
    place.wantedChains(family).rewrite(names.chain(), rules);
    keepCounts(family, there, rules);
  }

  private List<XtablesChains.Rule> bans(Family family) {
    List<XtablesChains.Rule> bans = place.wantedChains(family).read().chains().get(names.chain());
    if (bans == null) {
      throw new PacketFilterException(
          Cause.OTHER, "there is no chain " + names.chain() + " (" + family.label() + ")");
    }
    return bans;
  }

  private void keepCounts(
      Family family, List<XtablesChains.Rule> before, List<XtablesChains.Rule> after) {
    if (!target.equals(DROP)) {
      return;
    }
    int at = family == Family.V4 ? 0 : 2;
    gone[at] += sumOfPackets(before) - sumOfPackets(after);
    gone[at + 1] += sumOfBytes(before) - sumOfBytes(after);
  }

  private static long sumOfPackets(List<XtablesChains.Rule> rules) {
    return rules.stream().mapToLong(XtablesChains.Rule::packets).sum();
  }

  private static long sumOfBytes(List<XtablesChains.Rule> rules) {
    return rules.stream().mapToLong(XtablesChains.Rule::bytes).sum();
  }

  @Override
  public void read(ElementVisitor visitor) {
    for (Family family : place.families()) {
      List<BanRule> bans = new ArrayList<>();
      for (XtablesChains.Rule rule : bans(family)) {
        BanRule.parse(rule.text(), target).ifPresent(bans::add);
      }
      for (BanRule ban : bans) {
        if (ban.untilMillis() > clock.millis()) {
          visitor.element(ban.prefix(), ban.untilMillis());
        }
      }
    }
  }

  @Override
  public DropCounters drops() {
    DropCounters now = place.drops();
    return new DropCounters(
        now.packets4() + gone[0],
        now.bytes4() + gone[1],
        now.packets6() + gone[2],
        now.bytes6() + gone[3]);
  }

  /** Whether a chain bears the name of the instance, or a rule jumps to it. */
  boolean isThere() {
    return place.isThere();
  }

  @Override
  public void flush() {
    place.remove();
  }
}
