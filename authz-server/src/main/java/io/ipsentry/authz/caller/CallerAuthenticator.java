package io.ipsentry.authz.caller;

import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.config.CallerConfig;
import io.ipsentry.line.Slice;
import io.ipsentry.net.Address;
import io.ipsentry.net.PrefixSet;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the callers of {@code authz.callers} from everybody else.
 *
 * <p>An entry holds when everything that it names holds: the source address of the connection lies
 * in its networks, one of its names is a subject alternative name (DNS or URI) of the client's
 * certificate, the token of the call is its token. One entry that holds is enough. Common names of
 * certificates and wildcards are not looked at.
 *
 * <p>Address and certificate are compared once a connection, and once more after {@link #replace};
 * a token each call, in a time that does not tell how much of it was right. Safe for any thread.
 */
public final class CallerAuthenticator implements CallerConnection.Factory {
  private static final Logger logger = LoggerFactory.getLogger(CallerAuthenticator.class);

  /** Types of subject alternative names (RFC 5280 section 4.2.1.6). */
  private static final int DNS_NAME = 2;

  private static final int URI = 6;

  private volatile Entries entries;

  /** Knows these callers. */
  public CallerAuthenticator(List<CallerConfig> callers) {
    entries = Entries.of(callers);
  }

  /** Knows these callers from now on, for connections that are open already too. */
  public void replace(List<CallerConfig> callers) {
    entries = Entries.of(callers);
  }

  @Override
  public CallerConnection connected(
      @Nullable SocketAddress remote, List<Certificate> certificates) {
    Address address = new Address();
    boolean hasAddress = remote instanceof InetSocketAddress inet && read(inet, address);
    return new Connection(hasAddress ? address : null, names(certificates));
  }

  /** Reads the 4 or 16 bytes of an address; false for a name that was not resolved. */
  private static boolean read(InetSocketAddress socket, Address into) {
    if (socket.isUnresolved()) {
      return false;
    }
    byte[] bytes = socket.getAddress().getAddress();
    boolean v4 = bytes.length == 4;
    long hi = 0;
    // An IPv4 address is a v4-mapped IPv6 address (RFC 4291 section 2.5.5.2).
    long lo = v4 ? 0xffffL : 0;
    for (int i = 0; i < bytes.length; i++) {
      if (!v4 && i < 8) {
        hi = hi << 8 | bytes[i] & 0xff;
      } else {
        lo = lo << 8 | bytes[i] & 0xff;
      }
    }
    into.set(hi, lo);
    return true;
  }

  /** The DNS names, in lower case, and URIs of the client's own certificate. */
  private static Set<String> names(List<Certificate> certificates) {
    Set<String> names = new HashSet<>();
    if (certificates.isEmpty() || !(certificates.get(0) instanceof X509Certificate own)) {
      return names;
    }
    try {
      Collection<List<?>> alternatives = own.getSubjectAlternativeNames();
      if (alternatives == null) {
        return names;
      }
      for (List<?> alternative : alternatives) {
        if (alternative.get(1) instanceof String name) {
          if (alternative.get(0).equals(DNS_NAME)) {
            names.add(name.toLowerCase(Locale.ROOT));
          } else if (alternative.get(0).equals(URI)) {
            names.add(name);
          }
        }
      }
    } catch (CertificateParsingException e) {
      logger.atWarn().setCause(e).log("names of a client certificate cannot be read");
      names.clear();
    }
    return names;
  }

  /** All entries; another object for each configuration. */
  private record Entries(List<Entry> all) {
    static Entries of(List<CallerConfig> callers) {
      return new Entries(callers.stream().map(Entry::new).toList());
    }
  }

  /** One entry. */
  private static final class Entry {
    private final PrefixSet networks;
    private final List<String> names;

    /** Null: none is asked for. */
    private final byte @Nullable [] token;

    private Entry(CallerConfig config) {
      networks = config.networks();
      names = config.names();
      token = config.token().map(text -> text.getBytes(StandardCharsets.ISO_8859_1)).orElse(null);
    }

    /** Whether all but the token holds. */
    boolean holds(@Nullable Address address, Set<String> certified) {
      boolean fromThere =
          networks.isEmpty() || (address != null && networks.contains(address.hi(), address.lo()));
      boolean named = names.isEmpty() || names.stream().anyMatch(certified::contains);
      return fromThere && named;
    }
  }

  /**
   * What address and certificate lead to.
   *
   * @param entries what was compared with
   * @param trusted whether an entry holds that asks for no token
   * @param tokens of which one is needed else
   */
  private record Decision(Entries entries, boolean trusted, List<byte[]> tokens) {}

  /** One connection. */
  private final class Connection implements CallerConnection {
    private final @Nullable Address address;
    private final Set<String> names;
    private volatile Decision decision;

    Connection(@Nullable Address address, Set<String> names) {
      this.address = address;
      this.names = names;
      decision = decide(entries, address, names);
    }

    @Override
    public Caller caller(Slice token) {
      Decision now = current();
      if (now.trusted()) {
        return Caller.TRUSTED;
      }
      int length = token.length();
      if (now.tokens().isEmpty() || length == 0 || length > CallerConfig.MAX_TOKEN_LENGTH) {
        return Caller.UNKNOWN;
      }
      byte[] sent = Arrays.copyOfRange(token.array(), token.from(), token.to());
      boolean right = false;
      for (byte[] known : now.tokens()) {
        right |= MessageDigest.isEqual(sent, known);
      }
      return right ? Caller.TRUSTED : Caller.UNKNOWN;
    }

    @Override
    public boolean readsToken() {
      Decision now = current();
      return !now.trusted() && !now.tokens().isEmpty();
    }

    /** Threads that come at once may decide twice, and find the same. */
    private Decision current() {
      Decision known = decision;
      Entries newest = entries;
      if (!sameAs(known.entries(), newest)) {
        known = decide(newest, address, names);
        decision = known;
      }
      return known;
    }
  }

  @SuppressWarnings("ReferenceEquality") // asks which configuration, not what is in it
  private static boolean sameAs(Entries one, Entries other) {
    return one == other;
  }

  private static Decision decide(Entries entries, @Nullable Address address, Set<String> names) {
    boolean trusted = false;
    List<byte[]> tokens = new ArrayList<>();
    for (Entry entry : entries.all()) {
      if (entry.holds(address, names)) {
        byte[] token = entry.token;
        if (token == null) {
          trusted = true;
        } else {
          tokens.add(token);
        }
      }
    }
    return new Decision(entries, trusted, tokens);
  }
}
