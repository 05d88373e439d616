package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.Verdict;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import java.time.InstantSource;
import java.util.List;

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
    return open(config, clock, config.hostBinaries() ? ON_THE_HOST : List.of());
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
    IpsetFilter ipset = new IpsetFilter(programs, config, clock);
    if (config.backend().isEmpty()) {
      ipset.probe();
      return new Choice(ipset, "iptables-legacy and ipset work here");
    }
    return switch (config.backend().get()) {
      case IPSET -> {
        ipset.probe();
        yield new Choice(ipset, "the configuration says so");
      }
      case NFTABLES, IPTABLES_RULES ->
          throw new PacketFilterException(
              Cause.OTHER, "no such backend: " + config.backend().get().wireName());
    };
  }
}
