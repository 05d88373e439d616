package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.enforcer.kernel.PacketFilter.DropCounters;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where the chains of one instance are in iptables-legacy: the tables {@code raw} and {@code
 * filter} of each family, in one of which they are wanted, and out of the other of which they are
 * kept. One thread at a time.
 */
final class XtablesPlace {
  private static final String RAW = "raw";
  private static final String FILTER = "filter";
  private static final String DOCKER_USER = "DOCKER-USER";

  private final KernelPrograms programs;
  private final Hook hook;
  private final Map<Family, Map<String, XtablesChains>> chains = new EnumMap<>(Family.class);

  /**
   * @param names every chain that may be there; the first is jumped to
   */
  XtablesPlace(KernelPrograms programs, Hook hook, List<String> names) {
    this.programs = programs;
    this.hook = hook;
    for (Family family : Family.values()) {
      Map<String, XtablesChains> tables = new LinkedHashMap<>();
      for (String table : List.of(RAW, FILTER)) {
        tables.put(table, new XtablesChains(programs, family, table, names));
      }
      chains.put(family, tables);
    }
  }

  /** Rules by chain, for a family. */
  @FunctionalInterface
  interface Wanted {
    Map<String, List<String>> chains(Family family);
  }

  /**
   * Makes what is missing, first where it is wanted, then removes what is elsewhere.
   *
   * @return what was made or mended, for people
   */
  List<String> ensure(Wanted wanted) {
    Map<Family, XtablesChains.State> states = new EnumMap<>(Family.class);
    for (Family family : families()) {
      states.put(family, wantedChains(family).read());
    }
    if (hook == Hook.DOCKER_USER
        && states.values().stream().noneMatch(state -> state.foreign().contains(DOCKER_USER))) {
      throw new PacketFilterException(
          Cause.OTHER,
          "there is no chain DOCKER-USER, in which enforcer.hook docker-user puts its jump: start"
              + " Docker with its iptables option on, or choose the hook raw or filter");
    }
    List<String> mended = new ArrayList<>();
    states.forEach((family, state) ->
        mended.addAll(wantedChains(family).ensure(state, wanted.chains(family), hooks(state))));
    for (Family family : states.keySet()) {
      String table = hook == Hook.RAW ? FILTER : RAW;
      if (programs.hasTable(family, table)) {
        XtablesChains other = chains(family, table);
        mended.addAll(other.ensure(other.read(), Map.of(), Set.of()));
      }
    }
    return mended;
  }

  /** The chains of a family where they are wanted. */
  XtablesChains wantedChains(Family family) {
    return chains(family, hook == Hook.RAW ? RAW : FILTER);
  }

  /** The families that the kernel has: IPv6 may be switched off at boot. */
  List<Family> families() {
    return programs.hasIpv6() ? List.of(Family.V4, Family.V6) : List.of(Family.V4);
  }

  /** What the rules of the wanted chains have refused. */
  DropCounters drops() {
    long[] counted = new long[4];
    for (Family family : families()) {
      int at = family == Family.V4 ? 0 : 2;
      for (List<XtablesChains.Rule> rules : wantedChains(family).read().chains().values()) {
        for (XtablesChains.Rule rule : rules) {
          if (rule.refuses()) {
            counted[at] += rule.packets();
            counted[at + 1] += rule.bytes();
          }
        }
      }
    }
    return new DropCounters(counted[0], counted[1], counted[2], counted[3]);
  }

  /** Whether any of the chains, or a jump to them, is there. */
  boolean isThere() {
    return existing().stream().anyMatch(table -> !table.read().isEmpty());
  }

  /** Removes the chains and the jumps to them, wherever they are. */
  void remove() {
    existing().forEach(XtablesChains::remove);
  }

  /** Where chains can be: to look at a table that is not there would make it. */
  private List<XtablesChains> existing() {
    List<XtablesChains> existing = new ArrayList<>();
    for (Family family : families()) {
      for (String table : List.of(RAW, FILTER)) {
        if (programs.hasTable(family, table)) {
          existing.add(chains(family, table));
        }
      }
    }
    return existing;
  }

  private XtablesChains chains(Family family, String table) {
    XtablesChains found = chains.getOrDefault(family, Map.of()).get(table);
    if (found == null) {
      throw new IllegalStateException("no chains in " + table + " for " + family.label());
    }
    return found;
  }

  private Set<String> hooks(XtablesChains.State state) {
    return switch (hook) {
      case RAW -> Set.of("PREROUTING");
      case FILTER -> Set.of("INPUT", "FORWARD");
      // Docker makes the chain in one family only unless it is told otherwise.
      case DOCKER_USER ->
          state.foreign().contains(DOCKER_USER) ? Set.of(DOCKER_USER) : Set.of("FORWARD");
    };
  }
}
