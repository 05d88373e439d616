package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.Verdict;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** Opens what enforces in the kernel. */
public final class PacketFilters {
  /** Runs a program in the mount and network namespaces of the host; see nsenter(1). */
  private static final List<String> ON_THE_HOST =
      List.of("nsenter", "--target", "1", "--mount", "--net", "--");

  private PacketFilters() {}

  /**
   * What enforces, and why it and no other.
   *
   * @param reason one sentence for people
   */
  public record Choice(PacketFilter filter, String reason) {}

  /**
   * Opens what the configuration names, or what this node has. Nothing is changed yet.
   *
   * @param clock wall time, which decides how long elements stay
   * @throws PacketFilterException if none works here, with the reason
   * @throws IllegalArgumentException if the configuration cannot be enforced by any
   */
  public static Choice open(EnforcerConfig config, InstantSource clock) {
    return open(config, clock, prefix(config));
  }

  /** What stands before every program. */
  static List<String> prefix(EnforcerConfig config) {
    return config.hostBinaries() ? ON_THE_HOST : List.of();
  }

  /**
   * {@link #open(EnforcerConfig, InstantSource)} with words before every program, such as {@code ip
   * netns exec node}; {@code hostBinaries} is not looked at.
   */
  public static Choice open(EnforcerConfig config, InstantSource clock, List<String> prefix) {
    if (config.verdict() == Verdict.REJECT && config.hook() == Hook.RAW) {
      throw new IllegalArgumentException(
          "the kernel cannot answer in raw/PREROUTING: choose verdict drop, or hook filter");
    }
    KernelPrograms programs = new KernelPrograms(prefix);
    if (config.backend().isEmpty()) {
      return choose(programs, config, clock);
    }
    PacketFilter filter =
        switch (config.backend().get()) {
          case IPSET -> {
            IpsetFilter ipset = new IpsetFilter(programs, config, clock);
            ipset.probe();
            yield ipset;
          }
          case NFTABLES -> {
            NftablesFilter nftables = new NftablesFilter(programs, config, clock);
            nftables.probe();
            yield nftables;
          }
          case IPTABLES_RULES -> {
            RulesFilter rules = new RulesFilter(programs, config, clock);
            rules.probe();
            yield rules;
          }
        };
    return new Choice(filter, "the configuration names it");
  }

  /**
   * Removes what an instance of this name has in the kernel by other means than the filter, such as
   * the backend that was configured before. To be called when the filter enforces, so that there is
   * no moment without.
   *
   * @return which backends had something, for people
   */
  public static List<String> flushOthers(
      EnforcerConfig config, InstantSource clock, PacketFilter filter) {
    return flushOthers(config, clock, filter, prefix(config));
  }

  static List<String> flushOthers(
      EnforcerConfig config, InstantSource clock, PacketFilter filter, List<String> prefix) {
    KernelPrograms programs = new KernelPrograms(prefix);
    InstanceNames names = new InstanceNames(config.name());
    List<String> flushed = new ArrayList<>();
    NftablesFilter nftables = new NftablesFilter(programs, config, clock);
    RulesFilter rules = new RulesFilter(programs, config, clock);
    IpsetFilter ipset = new IpsetFilter(programs, config, clock);
    // Both backends of iptables-legacy use the same chains, so one of them takes over the other's.
    if (filter instanceof NftablesFilter) {
      if (holds(rules::isThere)) {
        rules.flush();
        flushed.add("the chain " + names.chain() + " of iptables-legacy");
      }
    } else if (holds(nftables::isThere)) {
      nftables.flush();
      flushed.add("the nftables table " + names.table());
    }
    if (!(filter instanceof IpsetFilter) && holds(ipset::hasSets)) {
      ipset.destroySets();
      flushed.add("the sets of ipset");
    }
    return flushed;
  }

  /** A program or a module that is not there holds nothing. */
  private static boolean holds(BooleanSupplier question) {
    try {
      return question.getAsBoolean();
    } catch (PacketFilterException e) {
      if (e.kind() == Cause.NO_PROGRAM || e.kind() == Cause.NO_MODULE) {
        return false;
      }
      throw e;
    }
  }

  private static Choice choose(
      KernelPrograms programs, EnforcerConfig config, InstantSource clock) {
    IpsetFilter ipset = new IpsetFilter(programs, config, clock);
    try {
      ipset.probe();
      return new Choice(ipset, "iptables-legacy and ipset work here");
    } catch (PacketFilterException noIpset) {
      NftablesFilter nftables = new NftablesFilter(programs, config, clock);
      try {
        nftables.probe();
      } catch (PacketFilterException noNftables) {
        throw new PacketFilterException(
            noIpset.kind(),
            "nothing can enforce here: "
                + noIpset.getMessage()
                + "; nor nftables: "
                + noNftables.getMessage());
      }
      return new Choice(
          nftables,
          "nftables works here, iptables-legacy with ipset does not: " + noIpset.getMessage());
    }
  }
}
