package io.ipsentry.line;

import io.ipsentry.net.Address;
import io.ipsentry.net.AddressParser;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import io.ipsentry.net.SeenAs;
import org.jspecify.annotations.Nullable;

/**
 * Decides which address of a line or request is the client.
 *
 * <p>A forwarded list ({@code X-Forwarded-For}) grows to the right: each proxy appends the address
 * it saw. So only what trusted proxies appended can be believed, and the list is read from the
 * right: elements that are trusted proxies are stepped over, the first that is none is the client.
 * What stands left of it was chosen by the client.
 *
 * <ul>
 *   <li>An element that is no address ({@code unknown}, a name) ends the walk: nothing left of it
 *       can be told. The client is then the hop that wrote it, which is a trusted proxy and never
 *       banned.
 *   <li>If all elements are trusted, the leftmost is the client: it is one of our own.
 *   <li>Empty elements do not count (RFC 9110 section 5.6.1). Ports, brackets and zones are
 *       dropped, and v4-mapped IPv6 is IPv4.
 * </ul>
 *
 * <p>{@link SeenAs} is {@link SeenAs#FORWARDED} for an address that differs from the source of the
 * packets or came out of a list, else {@link SeenAs#PEER}.
 *
 * <p>Allocates nothing. Confined to one thread.
 */
public final class ClientAddressResolver {
  /** Where the client address comes from. */
  public enum Mode {
    /**
     * What the gateway vouches for ({@link RequestFacts#client()}), unless that is a trusted proxy:
     * then the list is walked.
     *
     * <p>Without such an address (Traefik), the list is walked when the source of the packets is a
     * trusted proxy, or private, loopback or link-local: such a source is not a client from
     * outside, and Traefik itself drops the lists of sources it does not trust. Else it is the
     * source of the packets. With a list alone (Envoy's text format), its last element that is no
     * trusted proxy.
     */
    AUTO("auto"),
    /** The source of the packets; for a line without it, the address the gateway vouches for. */
    PEER("peer"),
    /**
     * One address in the place of the list, such as {@code CF-Connecting-IP}. If trusted proxies
     * are configured and the source of the packets is known and not among them, it is that source.
     */
    HEADER("header"),
    /**
     * The list, walked past trusted proxies or by a number of hops. If trusted proxies are
     * configured and the source of the packets is known and not among them, it is that source.
     */
    X_FORWARDED_FOR("x-forwarded-for");

    private final String configName;

    Mode(String configName) {
      this.configName = configName;
    }

    /** Value in the configuration, such as {@code auto}. */
    public String configName() {
      return configName;
    }
  }

  /** What came of one line. */
  public enum Outcome {
    FOUND("found"),
    /** The line has none of the fields that the mode reads. */
    ABSENT("the line has no address"),
    /** The field that should hold the address holds something else. */
    NOT_AN_ADDRESS("the field holds no address"),
    /** The list is shorter than the number of trusted hops, and no other address is known. */
    TOO_FEW_HOPS("fewer forwarded addresses than trusted hops"),
    /** The format escapes nothing and the client may have written the address. */
    AMBIGUOUS("the client may have written the address");

    private final String text;

    Outcome(String text) {
      this.text = text;
    }

    /** A phrase for people. */
    public String text() {
      return text;
    }
  }

  /**
   * How to resolve.
   *
   * @param trustedProxies proxies whose appended elements are believed
   * @param trustedHops in mode {@link Mode#X_FORWARDED_FOR}: when above 0, so many elements at the
   *     right end of the list are proxies, and the one left of them is the client, whatever their
   *     addresses
   * @param seenAs provenance to state in place of the derived one, or null
   */
  public record Settings(
      Mode mode, PrefixSet trustedProxies, int trustedHops, @Nullable SeenAs seenAs) {
    /** Mode {@code auto} without trusted proxies. */
    public static final Settings DEFAULT = new Settings(Mode.AUTO, PrefixSet.empty(), 0, null);

    /** More hops than any chain of proxies has. */
    public static final int MAX_HOPS = 32;

    public Settings {
      if (trustedHops < 0 || trustedHops > MAX_HOPS) {
        throw new IllegalArgumentException("trusted hops: 0 to " + MAX_HOPS);
      }
      if (seenAs == SeenAs.MANUAL || seenAs == SeenAs.FEED) {
        throw new IllegalArgumentException("seenAs of a source: peer or forwarded");
      }
    }
  }

  private static final String UNIX_SOCKET = "unix:";

  private final Settings settings;
  private final PrefixSet trusted;
  private final Address source = new Address();
  private final Address element = new Address();
  private final Address hop = new Address();
  private boolean sourceKnown;
  private long disbelieved;

  public ClientAddressResolver(Settings settings) {
    this.settings = settings;
    this.trusted = settings.trustedProxies();
  }

  /**
   * Lines whose forwarded list said something that was not believed: its sender was not trusted, it
   * held something other than addresses, or it was ambiguous. A high number means that trusted
   * proxies are missing in the configuration, or that somebody is lying.
   */
  public long disbelieved() {
    return disbelieved;
  }

  /**
   * Finds the client.
   *
   * @param into receives it; unspecified unless the outcome is {@link Outcome#FOUND}
   */
  public Outcome resolve(RequestFacts facts, ClientAddress into) {
    return resolve(facts, facts.forwardedFor(), into);
  }

  /**
   * Finds the client, with another list in the place of {@link RequestFacts#forwardedFor}.
   *
   * @param forwarded the list; in mode {@link Mode#HEADER} one address
   * @param into receives it; unspecified unless the outcome is {@link Outcome#FOUND}
   */
  public Outcome resolve(RequestFacts facts, Slice forwarded, ClientAddress into) {
    if (facts.addressAmbiguous()) {
      disbelieved++;
      return Outcome.AMBIGUOUS;
    }
    Slice direct = facts.peer().isPresent() ? facts.peer() : facts.client();
    boolean listed = forwarded.isPresent();
    sourceKnown = direct.isPresent() && parse(direct, source);
    return switch (settings.mode()) {
      case AUTO -> auto(facts, forwarded, into);
      case PEER -> direct(direct, into);
      case HEADER -> {
        if (!listed || sourceKnown && !mayForward()) {
          yield direct(direct, into);
        }
        yield header(forwarded, direct, into);
      }
      case X_FORWARDED_FOR -> {
        if (!listed || sourceKnown && !mayForward()) {
          disbelieved += listed ? 1 : 0;
          yield direct(direct, into);
        }
        yield settings.trustedHops() > 0 ? byHops(forwarded, into) : walk(forwarded, into);
      }
    };
  }

  private Outcome auto(RequestFacts facts, Slice forwarded, ClientAddress into) {
    boolean listed = forwarded.isPresent();
    if (facts.client().isPresent()) {
      if (!parse(facts.client(), element)) {
        // A proxy on this host behind a Unix socket: as good as a trusted one, if any is trusted.
        boolean local = facts.client().equalsAscii(UNIX_SOCKET) && listed && !trusted.isEmpty();
        sourceKnown = false;
        return local ? walk(forwarded, into) : Outcome.NOT_AN_ADDRESS;
      }
      if (!listed || !trusted.contains(element.hi(), element.lo())) {
        return found(element, into);
      }
      source.set(element.hi(), element.lo());
      sourceKnown = true;
      return walk(forwarded, into);
    }
    if (!listed) {
      return direct(facts.peer(), into);
    }
    if (facts.peer().isPresent() && !sourceKnown) {
      return Outcome.NOT_AN_ADDRESS;
    }
    if (sourceKnown && !isTrusted(source) && !isInternal(source)) {
      boolean same = parse(forwarded, element) && isSource(element);
      disbelieved += same ? 0 : 1;
      return found(source, into);
    }
    return walk(forwarded, into);
  }

  private Outcome direct(Slice direct, ClientAddress into) {
    if (!direct.isPresent()) {
      return Outcome.ABSENT;
    }
    return sourceKnown ? found(source, into) : Outcome.NOT_AN_ADDRESS;
  }

  private Outcome header(Slice value, Slice direct, ClientAddress into) {
    if (parse(value, element)) {
      return found(element, into);
    }
    disbelieved++;
    Outcome outcome = direct(direct, into);
    return outcome == Outcome.ABSENT ? Outcome.NOT_AN_ADDRESS : outcome;
  }

  /** Whether the source of the packets may hand over a client address, for the explicit modes. */
  private boolean mayForward() {
    return trusted.isEmpty() || isTrusted(source);
  }

  private Outcome walk(Slice list, ClientAddress into) {
    byte[] b = list.array();
    int end = list.to();
    boolean known = sourceKnown;
    hop.set(source.hi(), source.lo());
    while (end > list.from()) {
      int start = ByteSearch.lastIndexOf(b, list.from(), end, ',') + 1;
      start = Math.max(start, list.from());
      if (!isBlank(b, start, end)) {
        if (!AddressParser.parseHostPort(b, start, end, element)) {
          disbelieved++;
          return known ? found(hop, into) : Outcome.NOT_AN_ADDRESS;
        }
        if (!isTrusted(element)) {
          return found(element, into);
        }
        hop.set(element.hi(), element.lo());
        known = true;
      }
      end = start - 1;
    }
    return known ? found(hop, into) : Outcome.ABSENT;
  }

  private Outcome byHops(Slice list, ClientAddress into) {
    byte[] b = list.array();
    int end = list.to();
    int left = settings.trustedHops();
    while (end > list.from()) {
      int start = ByteSearch.lastIndexOf(b, list.from(), end, ',') + 1;
      start = Math.max(start, list.from());
      if (!isBlank(b, start, end) && left-- == 0) {
        if (AddressParser.parseHostPort(b, start, end, element)) {
          return found(element, into);
        }
        break;
      }
      end = start - 1;
    }
    disbelieved++;
    if (sourceKnown) {
      return found(source, into);
    }
    return left < 0 ? Outcome.NOT_AN_ADDRESS : Outcome.TOO_FEW_HOPS;
  }

  private Outcome found(Address address, ClientAddress into) {
    SeenAs seenAs = settings.seenAs();
    if (seenAs == null) {
      seenAs = sourceKnown && isSource(address) ? SeenAs.PEER : SeenAs.FORWARDED;
    }
    into.set(address.hi(), address.lo(), seenAs);
    return Outcome.FOUND;
  }

  private boolean isSource(Address address) {
    return address.hi() == source.hi() && address.lo() == source.lo();
  }

  private boolean isTrusted(Address address) {
    return trusted.contains(address.hi(), address.lo());
  }

  private static boolean isInternal(Address address) {
    return ReservedPrefixes.ALL.contains(address.hi(), address.lo());
  }

  private static boolean isBlank(byte[] b, int from, int to) {
    for (int i = from; i < to; i++) {
      if (b[i] != ' ' && b[i] != '\t') {
        return false;
      }
    }
    return true;
  }

  private static boolean parse(Slice slice, Address into) {
    return AddressParser.parseHostPort(slice.array(), slice.from(), slice.to(), into);
  }
}
