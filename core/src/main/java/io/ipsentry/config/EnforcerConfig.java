package io.ipsentry.config;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How bans are enforced in the kernel of this host: {@code enforcer} of the configuration.
 *
 * <p>Immutable; safe for any thread.
 *
 * @param name tells several instances on one host apart; part of every name in the kernel. Empty:
 *     the only one, whose chain is {@code IP-BLOCKER}; else {@code IP-BLOCKER-name}. At most 12 of
 *     {@code a-z A-Z 0-9 -}
 * @param backend what enforces; empty: what the node has (see {@link Backend})
 * @param hook where packets are looked at
 * @param ports which packets of a banned client
 * @param verdict what becomes of them
 * @param forwardedForPorts destination ports of plain HTTP whose packets are also dropped when the
 *     text of an {@code X-Forwarded-For} header in them names a banned address; empty: none
 * @param interval between two times that the kernel is read back and repaired
 * @param onExit what becomes of the bans in the kernel when the process is asked to end
 * @param hostBinaries whether the programs are those of the host (through {@code nsenter} into the
 *     mount and network namespaces of process 1), not those beside this process
 * @param agent whether {@code ip-sentry enforcer} also does what {@code ip-sentry agent} does
 */
public record EnforcerConfig(
    String name,
    Optional<Backend> backend,
    Hook hook,
    Ports ports,
    Verdict verdict,
    List<PortRange> forwardedForPorts,
    Duration interval,
    OnExit onExit,
    boolean hostBinaries,
    boolean agent) {

  /** What is enforced where nothing is said: the node's own backend, raw/PREROUTING, DROP. */
  public static final EnforcerConfig DEFAULT =
      new EnforcerConfig(
          "",
          Optional.empty(),
          Hook.RAW,
          Ports.INBOUND,
          Verdict.DROP,
          List.of(),
          Duration.ofSeconds(30),
          OnExit.KEEP,
          false);

  /** One that reads no logs. */
  public EnforcerConfig(
      String name,
      Optional<Backend> backend,
      Hook hook,
      Ports ports,
      Verdict verdict,
      List<PortRange> forwardedForPorts,
      Duration interval,
      OnExit onExit,
      boolean hostBinaries) {
    this(
        name,
        backend,
        hook,
        ports,
        verdict,
        forwardedForPorts,
        interval,
        onExit,
        hostBinaries,
        false);
  }

  public EnforcerConfig {
    forwardedForPorts = List.copyOf(forwardedForPorts);
  }

  /** What enforces in the kernel. {@code auto} is {@link #IPSET} where it works, else nftables. */
  public enum Backend {
    /** iptables-legacy and ipset: one rule, and a lookup whose cost the count does not change. */
    IPSET("ipset"),
    /** nftables: a table of its own, with sets. */
    NFTABLES("nftables"),
    /** iptables-legacy with one rule a ban, as the original made them; for small lists only. */
    IPTABLES_RULES("iptables-rules");

    private final String wireName;

    Backend(String wireName) {
      this.wireName = wireName;
    }

    /** Name in the configuration, metrics and status. */
    public String wireName() {
      return wireName;
    }
  }

  /** Where packets are looked at. */
  public enum Hook {
    /** Before connection tracking and service NAT: {@code raw/PREROUTING}. */
    RAW("raw"),
    /** {@code filter}, {@code INPUT} and {@code FORWARD}: after NAT. */
    FILTER("filter"),
    /** The chain that Docker leaves to its users. */
    DOCKER_USER("docker-user");

    private final String wireName;

    Hook(String wireName) {
      this.wireName = wireName;
    }

    /** Name in the configuration. */
    public String wireName() {
      return wireName;
    }
  }

  /**
   * Which packets of a banned client are dropped.
   *
   * @param kind all of them, those that are not replies to us, or those to {@code list}
   * @param list ports of TCP and UDP as the client sees them; empty unless the kind is LIST
   */
  public record Ports(Kind kind, List<PortRange> list) {
    /** Those to ports outside the host's ephemeral range, and what begins a TCP connection. */
    public static final Ports INBOUND = new Ports(Kind.INBOUND, List.of());

    /** Every packet, also replies to our own connections. */
    public static final Ports ALL = new Ports(Kind.ALL, List.of());

    public Ports {
      list = List.copyOf(list);
    }

    /** How they are chosen. */
    public enum Kind {
      INBOUND,
      ALL,
      LIST
    }
  }

  /**
   * Ports from {@code first} to {@code last}, both included.
   *
   * @param first 1 to 65535
   * @param last at least {@code first}, at most 65535
   */
  public record PortRange(int first, int last) {
    /** Checks the bounds. */
    public PortRange {
      if (first < 1 || last < first || last > 65_535) {
        throw new IllegalArgumentException("no range of ports: " + first + "-" + last);
      }
    }
  }

  /** What becomes of a packet of a banned client. */
  public enum Verdict {
    /** It vanishes. */
    DROP,
    /** The client is told; not before {@code filter}, where the kernel cannot answer. */
    REJECT
  }

  /** What becomes of the bans in the kernel when the process is asked to end. */
  public enum OnExit {
    /** They stay, and end by themselves when their time is up. */
    KEEP,
    /** They are removed, with everything of ours. */
    FLUSH
  }
}
