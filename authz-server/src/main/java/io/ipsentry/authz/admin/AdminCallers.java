package io.ipsentry.authz.admin;

import io.ipsentry.config.AdminConfig;
import io.ipsentry.config.AdminConfig.AdminToken;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import org.jspecify.annotations.Nullable;

/**
 * Who may use the admin API over TCP: whoever shows all that is asked for, a client certificate, a
 * token, or both. Immutable; safe for any thread.
 */
public final class AdminCallers {
  /** Longest identity, so that there is room for what the caller says of itself. */
  static final int MAX_IDENTITY_CHARS = 40;

  private static final String SCHEME = "bearer ";
  private static final int SAN_DNS = 2;
  private static final int SAN_URI = 6;

  private final List<Token> tokens;
  private final boolean certificate;

  /** A token's name and its digest: digests have one length, so comparing them tells none. */
  private static final class Token {
    final String name;
    final byte[] digest;

    Token(AdminToken token) {
      name = token.name();
      digest = digest(token.token());
    }
  }

  /**
   * @param tokens one of which a caller must send; empty: none is asked for
   * @param certificate whether a caller must show a certificate
   */
  public AdminCallers(List<AdminToken> tokens, boolean certificate) {
    this.tokens = tokens.stream().map(Token::new).toList();
    this.certificate = certificate;
  }

  /** What a configuration asks for. */
  public static AdminCallers of(AdminConfig config) {
    return new AdminCallers(
        config.tokens(), config.tls().flatMap(tls -> tls.clientCa()).isPresent());
  }

  /** What came of looking at a caller. */
  sealed interface Outcome {
    /**
     * It may call.
     *
     * @param identity who it is; the beginning of {@code by} in what it writes
     */
    record Known(String identity) implements Outcome {}

    /**
     * It may not.
     *
     * @param why and how to mend it; nothing that helps to guess
     */
    record Refused(String why) implements Outcome {}
  }

  /**
   * Looks at a caller.
   *
   * @param authorization the header of that name; null: absent
   * @param shown its verified certificate; null: none
   * @param address of its end of the connection, for those of whom nothing is asked
   */
  Outcome look(@Nullable String authorization, @Nullable X509Certificate shown, String address) {
    if (certificate && shown == null) {
      return new Outcome.Refused(
          "show a client certificate that clientCa of admin.tls has signed (--cert, --key)");
    }
    if (!tokens.isEmpty()) {
      String name = tokenName(bearer(authorization));
      return name == null
          ? new Outcome.Refused(
              authorization == null
                  ? "send one of admin.tokens as authorization: Bearer TOKEN (--token-file)"
                  : "the token is none of admin.tokens")
          : new Outcome.Known(cut("token:" + name));
    }
    return new Outcome.Known(shown == null ? cut("tcp:" + address) : cut("cert:" + name(shown)));
  }

  /** The identity of whoever has this token of the configuration; empty: nobody has. */
  Optional<String> withToken(String bearer) {
    return Optional.ofNullable(tokenName(bearer)).map(name -> cut("token:" + name));
  }

  /** The token in a header {@code authorization}; null: there is none. */
  static @Nullable String bearer(@Nullable String authorization) {
    return authorization == null
            || !authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
        ? null
        : authorization.substring(SCHEME.length()).strip();
  }

  /** Compares with every token, whichever fits, so that time tells nothing. */
  private @Nullable String tokenName(@Nullable String bearer) {
    if (bearer == null) {
      return null;
    }
    byte[] digest = digest(bearer);
    String name = null;
    for (Token token : tokens) {
      if (MessageDigest.isEqual(token.digest, digest)) {
        name = token.name;
      }
    }
    return name;
  }

  private static byte[] digest(String token) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** The first DNS or URI name, else the common name, else the serial number. */
  private static String name(X509Certificate certificate) {
    try {
      Collection<List<?>> names = certificate.getSubjectAlternativeNames();
      if (names != null) {
        for (List<?> entry : names) {
          if (entry.get(0) instanceof Integer kind
              && (kind == SAN_DNS || kind == SAN_URI)
              && entry.get(1) instanceof String name) {
            return name;
          }
        }
      }
      for (Rdn part : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
        if (part.getType().equalsIgnoreCase("CN")) {
          return String.valueOf(part.getValue());
        }
      }
    } catch (CertificateParsingException | InvalidNameException e) {
      // A certificate of such a kind was signed all the same; its number names it.
      return "serial-" + certificate.getSerialNumber().toString(16);
    }
    return "serial-" + certificate.getSerialNumber().toString(16);
  }

  private static String cut(String identity) {
    StringBuilder clean = new StringBuilder(identity.length());
    identity
        .codePoints()
        .limit(MAX_IDENTITY_CHARS)
        // A slash ends the identity, so it must not have one; URIs do.
        .map(c -> c == '/' || c <= ' ' || c > '~' ? '_' : c)
        .forEach(clean::appendCodePoint);
    return clean.toString();
  }
}
