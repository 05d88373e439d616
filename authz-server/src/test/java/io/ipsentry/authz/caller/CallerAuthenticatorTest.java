package io.ipsentry.authz.caller;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.config.CallerConfig;
import io.ipsentry.line.Slice;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.io.InputStream;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CallerAuthenticatorTest {
  private static final String TOKEN = "0123456789abcdef";
  private static final String OTHER_TOKEN = "another-token-of-ours";

  private static CallerConfig networks(String... prefixes) {
    return new CallerConfig(PrefixSet.parse(prefixes), List.of(), Optional.empty());
  }

  private static CallerConfig token(String token) {
    return new CallerConfig(PrefixSet.empty(), List.of(), Optional.of(token));
  }

  private static CallerConfig names(String... names) {
    return new CallerConfig(PrefixSet.empty(), List.of(names), Optional.empty());
  }

  private static SocketAddress address(int... bytes) {
    byte[] raw = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      raw[i] = (byte) bytes[i];
    }
    try {
      return new InetSocketAddress(InetAddress.getByAddress(raw), 40_000);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("4 or 16 bytes", e);
    }
  }

  private static Slice sent(@Nullable String token) {
    Slice slice = new Slice();
    if (token != null) {
      // In the midst of other bytes, as a transport has it.
      byte[] bytes = ("x: " + token + "\r\n").getBytes(StandardCharsets.UTF_8);
      slice.set(bytes, 3, bytes.length - 2);
    }
    return slice;
  }

  private static Caller caller(CallerConnection connection, @Nullable String token) {
    return connection.caller(sent(token));
  }

  @Test
  void caller_noCallersConfigured_isUnknown() {
    CallerConnection connection =
        new CallerAuthenticator(List.of()).connected(address(127, 0, 0, 1), List.of());

    assertThat(caller(connection, TOKEN)).isEqualTo(Caller.UNKNOWN);
    assertThat(connection.readsToken()).isFalse();
  }

  @Test
  void caller_byNetwork_isTrustedFromThereAlone() throws UnknownHostException {
    CallerAuthenticator authenticator =
        new CallerAuthenticator(List.of(networks("10.0.0.0/8"), networks("2001:db8::/64")));
    byte[] mapped = new byte[16];
    mapped[10] = -1;
    mapped[11] = -1;
    mapped[12] = 10;
    SocketAddress v4Mapped =
        new InetSocketAddress(Inet6Address.getByAddress("", mapped, -1), 40_000);

    assertThat(caller(authenticator.connected(address(10, 1, 2, 3), List.of()), null))
        .isEqualTo(Caller.TRUSTED);
    assertThat(caller(authenticator.connected(v4Mapped, List.of()), null))
        .isEqualTo(Caller.TRUSTED);
    assertThat(caller(authenticator.connected(address(11, 1, 2, 3), List.of()), null))
        .isEqualTo(Caller.UNKNOWN);
    SocketAddress v6 = address(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    assertThat(caller(authenticator.connected(v6, List.of()), null)).isEqualTo(Caller.TRUSTED);
    SocketAddress otherV6 = address(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1);
    assertThat(caller(authenticator.connected(otherV6, List.of()), null)).isEqualTo(Caller.UNKNOWN);
  }

  @Test
  void caller_withoutUsableAddress_isInNoNetwork() {
    CallerAuthenticator authenticator =
        new CallerAuthenticator(List.of(networks("0.0.0.0/0", "::/0"), token(TOKEN)));

    for (SocketAddress remote :
        List.of(
            UnixDomainSocketAddress.of("/run/x"),
            InetSocketAddress.createUnresolved("gateway.example", 1))) {
      assertThat(caller(authenticator.connected(remote, List.of()), null))
          .isEqualTo(Caller.UNKNOWN);
      assertThat(caller(authenticator.connected(remote, List.of()), TOKEN))
          .isEqualTo(Caller.TRUSTED);
    }
    assertThat(caller(authenticator.connected(null, List.of()), null)).isEqualTo(Caller.UNKNOWN);
  }

  @Test
  void caller_byToken_needsTheWholeOne() {
    CallerConnection connection =
        new CallerAuthenticator(List.of(token(TOKEN), token(OTHER_TOKEN)))
            .connected(address(203, 0, 113, 1), List.of());

    assertThat(connection.readsToken()).isTrue();
    assertThat(caller(connection, TOKEN)).isEqualTo(Caller.TRUSTED);
    assertThat(caller(connection, OTHER_TOKEN)).isEqualTo(Caller.TRUSTED);
    for (String wrong :
        List.of(
            "",
            TOKEN.substring(1),
            TOKEN.substring(0, 15),
            TOKEN + "0",
            TOKEN.toUpperCase(Locale.ROOT),
            TOKEN + OTHER_TOKEN,
            "0".repeat(CallerConfig.MAX_TOKEN_LENGTH + 1))) {
      assertThat(caller(connection, wrong)).as(wrong).isEqualTo(Caller.UNKNOWN);
    }
    assertThat(caller(connection, null)).isEqualTo(Caller.UNKNOWN);
  }

  @Test
  void caller_byNetworkAndToken_needsBoth() {
    CallerAuthenticator authenticator =
        new CallerAuthenticator(
            List.of(
                new CallerConfig(PrefixSet.parse("10.0.0.0/8"), List.of(), Optional.of(TOKEN)),
                networks("192.0.2.0/24")));
    CallerConnection inside = authenticator.connected(address(10, 0, 0, 1), List.of());
    CallerConnection outside = authenticator.connected(address(203, 0, 113, 1), List.of());
    CallerConnection other = authenticator.connected(address(192, 0, 2, 1), List.of());

    assertThat(caller(inside, TOKEN)).isEqualTo(Caller.TRUSTED);
    assertThat(caller(inside, null)).isEqualTo(Caller.UNKNOWN);
    assertThat(caller(outside, TOKEN)).isEqualTo(Caller.UNKNOWN);
    assertThat(outside.readsToken()).isFalse();
    assertThat(caller(other, null)).isEqualTo(Caller.TRUSTED);
    assertThat(other.readsToken()).isFalse();
  }

  @Test
  void replace_openConnection_isJudgedAnew() {
    CallerAuthenticator authenticator = new CallerAuthenticator(List.of(token(TOKEN)));
    CallerConnection connection = authenticator.connected(address(10, 0, 0, 1), List.of());
    assertThat(caller(connection, TOKEN)).isEqualTo(Caller.TRUSTED);

    authenticator.replace(List.of(token(OTHER_TOKEN)));

    assertThat(caller(connection, TOKEN)).isEqualTo(Caller.UNKNOWN);
    assertThat(caller(connection, OTHER_TOKEN)).isEqualTo(Caller.TRUSTED);

    authenticator.replace(List.of(networks("10.0.0.1")));

    assertThat(caller(connection, null)).isEqualTo(Caller.TRUSTED);

    authenticator.replace(List.of());

    assertThat(caller(connection, OTHER_TOKEN)).isEqualTo(Caller.UNKNOWN);
  }

  @Test
  @RequiresProgram("openssl")
  void caller_byCertificate_isNamedLetterForLetter(@TempDir Path directory) {
    CertificateAuthority authority = CertificateAuthority.create(directory, "ca");
    List<Certificate> gateway =
        certificate(
            authority.issue(
                "common.example",
                "DNS:Gateway.example",
                "DNS:*.wild.example",
                "IP:192.0.2.1",
                "URI:spiffe://cluster/ns/a/sa/b"));
    List<Certificate> nameless = certificate(authority.issue("gateway.example"));

    assertThat(isTrusted(gateway, "gateway.example")).isTrue();
    assertThat(isTrusted(gateway, "spiffe://cluster/ns/a/sa/b")).isTrue();
    assertThat(isTrusted(gateway, "other.example", "gateway.example")).isTrue();
    assertThat(isTrusted(gateway, "common.example")).isFalse();
    assertThat(isTrusted(gateway, "a.wild.example")).isFalse();
    assertThat(isTrusted(gateway, "192.0.2.1")).isFalse();
    assertThat(isTrusted(gateway, "spiffe://cluster/ns/a/sa/B")).isFalse();
    assertThat(isTrusted(gateway, "gateway.example.org")).isFalse();
    assertThat(isTrusted(nameless, "gateway.example")).isFalse();
    assertThat(isTrusted(List.of(), "gateway.example")).isFalse();
  }

  private static boolean isTrusted(List<Certificate> certificates, String... names) {
    CallerConnection connection =
        new CallerAuthenticator(List.of(names(names)))
            .connected(address(203, 0, 113, 1), certificates);
    return caller(connection, null) == Caller.TRUSTED;
  }

  private static List<Certificate> certificate(CertificateAuthority.Issued issued) {
    try (InputStream in = Files.newInputStream(issued.certificate())) {
      return List.of(CertificateFactory.getInstance("X.509").generateCertificate(in));
    } catch (IOException | CertificateException e) {
      throw new IllegalStateException("openssl's certificate cannot be read", e);
    }
  }
}
