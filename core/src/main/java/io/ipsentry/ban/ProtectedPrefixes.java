package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The never-ban set: addresses that no rule, person or feed can ban, each with the reason.
 *
 * <p>A ban is refused when it has an address in common with a protected prefix: a ban of 10.1.2.3
 * because 10.0.0.0/8 holds it, a ban of 192.0.2.0/24 because it would cover our own 192.0.2.4.
 *
 * <p>Immutable, safe for any thread. When a part changes (an interface got an address, the
 * configuration was read again, somebody allowed an address) a new set is made with {@link #of},
 * and whoever decides reads the new one. Made of few parts; a question costs one binary search in
 * the union, and one a part only when the answer is yes.
 */
public final class ProtectedPrefixes {
  /** Protects nothing; for tests and for decisions that are checked elsewhere. */
  public static final ProtectedPrefixes NONE = new ProtectedPrefixes(List.of());

  private static final List<Part> RESERVED =
      List.of(
          reserved("this network", "0.0.0.0/8"),
          reserved("loopback", "127.0.0.0/8", "::1"),
          reserved("link-local", "169.254.0.0/16", "fe80::/10"),
          reserved("multicast", "224.0.0.0/4", "ff00::/8"),
          reserved("reserved for future use", "240.0.0.0/4"),
          reserved("unspecified address", "::"),
          // A later addition to the core's list is protected even if it has no name here.
          new Part(Protection.Kind.RESERVED, "", ReservedPrefixes.LOCAL));

  private final List<Part> parts;
  private final PrefixSet union;

  private ProtectedPrefixes(List<Part> parts) {
    this.parts = parts;
    union =
        PrefixSet.of(parts.stream().flatMap(part -> part.prefixes().prefixes().stream()).toList());
  }

  /**
   * Prefixes that are protected for one reason.
   *
   * @param kind where they come from
   * @param detail what they are within the kind, such as the name of an interface; may be empty
   * @param prefixes may overlap those of other parts
   */
  public record Part(Protection.Kind kind, String detail, PrefixSet prefixes) {
    /** A part without a detail. */
    public static Part of(Protection.Kind kind, PrefixSet prefixes) {
      return new Part(kind, "", prefixes);
    }
  }

  /** Exactly these parts, in any order. */
  public static ProtectedPrefixes of(List<Part> parts) {
    return new ProtectedPrefixes(
        parts.stream()
            .filter(part -> !part.prefixes().isEmpty())
            .sorted(Comparator.comparing(Part::kind))
            .toList());
  }

  /** Exactly these parts, in any order. */
  public static ProtectedPrefixes of(Part... parts) {
    return of(Arrays.asList(parts));
  }

  /**
   * The parts that hold on every host: reserved ranges, and the private networks.
   *
   * @param protectPrivate false where private addresses are clients that may be banned
   */
  public static List<Part> reserved(boolean protectPrivate) {
    if (!protectPrivate) {
      return RESERVED;
    }
    Part privateNetworks = Part.of(Protection.Kind.PRIVATE_NETWORK, ReservedPrefixes.PRIVATE);
    return Stream.concat(RESERVED.stream(), Stream.of(privateNetworks)).toList();
  }

  /**
   * Why a ban of {@code candidate} is refused; empty when nothing speaks against it.
   *
   * <p>When several parts protect it, the first {@link Protection.Kind} is named.
   */
  public Optional<Protection> protects(IpPrefix candidate) {
    if (!union.overlaps(candidate)) {
      return Optional.empty();
    }
    for (Part part : parts) {
      Optional<IpPrefix> prefix = part.prefixes().firstOverlap(candidate);
      if (prefix.isPresent()) {
        return Optional.of(new Protection(part.kind(), prefix.get(), part.detail()));
      }
    }
    throw new IllegalStateException("a prefix is in the union of the parts but in no part");
  }

  /** Whether the address is protected; allocates nothing. IPv4 mapped, as in {@link IpPrefix}. */
  public boolean contains(long hi, long lo) {
    return union.contains(hi, lo);
  }

  /** All that is protected, without the reasons: what a feed is reduced by. */
  public PrefixSet prefixes() {
    return union;
  }

  /** The parts, in the order in which they are named. */
  public List<Part> parts() {
    return parts;
  }

  private static Part reserved(String detail, String... prefixes) {
    return new Part(Protection.Kind.RESERVED, detail, PrefixSet.parse(prefixes));
  }
}
