package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.CertificateAuthority.Issued;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Certificates and keys as openssl writes them. */
@RequiresProgram("openssl")
final class TlsMaterialTest {
  @TempDir private Path directory;
  private CertificateAuthority authority;

  @BeforeEach
  void makeAuthority() {
    authority = CertificateAuthority.create(directory, "ca");
  }

  private static TlsMaterial read(Path certificate, Path key) {
    return TlsMaterial.read(new TlsConfig(certificate, key, Optional.empty()));
  }

  private Path joined(Path... parts) throws IOException {
    StringBuilder text = new StringBuilder();
    for (Path part : parts) {
      text.append(Files.readString(part));
    }
    return Files.writeString(Files.createTempFile(directory, "joined", ".pem"), text);
  }

  private static void assertRefused(Path certificate, Path key, Path file, String what) {
    assertThatExceptionOfType(TlsFileException.class)
        .isThrownBy(() -> read(certificate, key))
        .satisfies(e -> {
          assertThat(e.file()).isEqualTo(file);
          assertThat(e.what()).startsWith(what);
          assertThat(e.mend()).isNotEmpty();
        });
  }

  @Test
  void read_chainAndClientCa_isWhatTheFilesHold() throws IOException {
    Issued issued = authority.issue("gateway", "DNS:localhost");
    Path chain = joined(issued.certificate(), authority.certificate());

    TlsMaterial material =
        TlsMaterial.read(new TlsConfig(chain, issued.key(), Optional.of(authority.certificate())));

    assertThat(material.chain()).hasSize(2);
    assertThat(material.chain().get(0).getSubjectX500Principal().getName()).isEqualTo("CN=gateway");
    assertThat(material.clientCas()).containsExactly(material.chain().get(1));
    assertThat(material.key().getAlgorithm()).isEqualTo("EC");
    assertThat(material).hasToString("TlsMaterial[CN=gateway, until " + material.expiresAt() + "]");
  }

  /** What {@code openssl req -newkey} makes, and then the form in which the key is written. */
  @ParameterizedTest
  @CsvSource({
    "rsa:2048, PKCS8, RSA",
    "rsa:2048, PKCS1, RSA",
    "rsa:3072, PKCS1, RSA",
    "ec:P-256, SEC1, EC",
    "ec:P-384, SEC1, EC",
    "ec:P-521, PKCS8, EC",
    "ed25519, PKCS8, EdDSA"
  })
  void read_keyOfEachKindAndForm_belongsToItsCertificate(
      String kind, String form, String algorithm) {
    Path certificate = directory.resolve("own.pem");
    Path pkcs8 = directory.resolve("own.key");
    boolean isEc = kind.startsWith("ec:");
    List<String> make = new ArrayList<>(List.of("openssl", "req", "-x509", "-nodes"));
    make.addAll(List.of("-subj", "/CN=own", "-out", certificate.toString()));
    make.addAll(List.of("-keyout", pkcs8.toString(), "-newkey", isEc ? "ec" : kind));
    if (isEc) {
      make.addAll(List.of("-pkeyopt", "ec_paramgen_curve:" + kind.substring(3)));
    }
    Programs.run(make);
    Path key = pkcs8;
    if (!form.equals("PKCS8")) {
      key = directory.resolve("old.key");
      List<String> rewrite = new ArrayList<>(List.of("openssl", isEc ? "ec" : "rsa"));
      if (!isEc) {
        rewrite.add("-traditional");
      }
      rewrite.addAll(List.of("-in", pkcs8.toString(), "-out", key.toString()));
      Programs.run(rewrite);
    }

    assertThat(key).content().contains(form.equals("PKCS8") ? "BEGIN PRIVATE" : algorithm + " PRI");
    assertThat(read(certificate, key).key().getAlgorithm()).isEqualTo(algorithm);
  }

  @Test
  void read_oneFileWithBoth_isTaken() throws IOException {
    Issued issued = authority.issue("gateway");
    Path both = joined(issued.key(), issued.certificate());

    assertThat(read(both, both).chain()).hasSize(1);
  }

  @Test
  void read_keyOfAnotherCertificate_isRefused() {
    Issued one = authority.issue("one");
    Issued other = authority.issue("other");

    assertRefused(
        one.certificate(), other.key(), other.key(), "does not belong to the certificate in ");
  }

  @Test
  void read_authorityBeforeOwnCertificate_isRefused() throws IOException {
    Issued issued = authority.issue("gateway");
    Path chain = joined(authority.certificate(), issued.certificate());

    assertRefused(chain, issued.key(), chain, "does not begin with the certificate");
  }

  @Test
  void read_certificatesThatDidNotSignEachOther_isRefused() throws IOException {
    Issued issued = authority.issue("gateway");
    Path chain = joined(issued.certificate(), authority.issue("other").certificate());

    assertRefused(chain, issued.key(), chain, "has certificates that did not sign each other");
  }

  @Test
  void read_keyWithPassword_isRefused() {
    Issued issued = authority.issue("gateway");
    Path locked = directory.resolve("locked.key");
    List<String> lock = new ArrayList<>(List.of("openssl", "pkcs8", "-topk8", "-passout"));
    lock.addAll(List.of("pass:x", "-in", issued.key().toString(), "-out", locked.toString()));
    Programs.run(lock);

    assertRefused(issued.certificate(), locked, locked, "has a key with a password");
  }

  @Test
  void read_filesThatAreNoPem_isRefused() throws IOException {
    Issued issued = authority.issue("gateway");
    String pem = Files.readString(issued.certificate());
    Path cut = Files.writeString(directory.resolve("cut"), pem.substring(0, pem.length() / 2));
    Path damaged = Files.writeString(directory.resolve("damaged"), pem.replace("\nMII", "\nAAA"));
    Path other = Files.writeString(directory.resolve("other"), "hello\n");
    Path large = Files.write(directory.resolve("large"), new byte[TlsMaterial.MAX_FILE_BYTES + 1]);
    Path none = directory.resolve("none");
    Path noKey =
        Files.writeString(
            directory.resolve("noKey"),
            "-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----\n");

    assertRefused(cut, issued.key(), cut, "is cut off");
    assertRefused(damaged, issued.key(), damaged, "has a certificate that cannot be read");
    assertRefused(other, issued.key(), other, "has no certificate");
    assertRefused(issued.certificate(), other, other, "has no private key");
    assertRefused(large, issued.key(), large, "is larger than 1 MiB");
    assertRefused(directory, issued.key(), directory, "is not a regular file");
    assertRefused(none, issued.key(), none, "is not there");
    assertRefused(issued.certificate(), noKey, noKey, "has an EC key that does not name its curve");
  }

  @Test
  void doubt_overTheLife_isSaidWhenItMatters() {
    Issued issued = authority.issue("gateway");
    TlsMaterial material = read(issued.certificate(), issued.key());
    Instant start = material.startsAt();
    Instant end = material.expiresAt();

    assertThat(Duration.between(start, end)).isEqualTo(Duration.ofDays(30));
    assertThat(material.doubt(start)).isEmpty();
    assertThat(material.doubt(end.minus(Duration.ofDays(3)).minusSeconds(1))).isEmpty();
    assertThat(material.doubt(end.minus(Duration.ofDays(3)))).contains("expires at " + end);
    assertThat(material.doubt(end).orElseThrow()).startsWith("has expired at ");
    assertThat(material.doubt(start.minusSeconds(1)).orElseThrow())
        .startsWith("is not valid before ");
  }

  private Path configuration(String tls) throws IOException {
    return Files.writeString(
        directory.resolve("c.yaml"),
        "authz: { listen: \"127.0.0.1:9001\", callers: 127.0.0.1, tls: { " + tls + " } }\n");
  }

  @Test
  void load_configurationWithCertificates_isCheckedAndWarned() throws IOException {
    Issued issued = authority.issue("gateway");
    Path file =
        configuration(
            "certificate: %s, key: %s, clientCa: ca.pem"
                .formatted(issued.certificate().getFileName(), issued.key().getFileName()));
    Instant end = read(issued.certificate(), issued.key()).expiresAt();

    ConfigResult now = new ConfigLoader().load(file);
    ConfigResult late = new ConfigLoader(() -> end.minusSeconds(60)).load(file);

    assertThat(now.warnings()).isEmpty();
    assertThat(now.orThrow().authz().orElseThrow().tls())
        .contains(
            new TlsConfig(
                issued.certificate(), issued.key(), Optional.of(authority.certificate())));
    assertThat(now.files()).containsExactly(file);
    assertThat(late.warnings())
        .singleElement()
        .satisfies(warning -> {
          assertThat(warning.path()).isEqualTo("authz.tls.certificate");
          assertThat(warning.what()).isEqualTo(issued.certificate() + " expires at " + end);
        });
  }

  @Test
  void load_configurationWithBrokenPair_waitsForItsFiles() throws IOException {
    Issued issued = authority.issue("gateway");
    Path file =
        configuration(
            "certificate: %s, key: %s, clientCa: none.pem"
                .formatted(issued.certificate().getFileName(), issued.key().getFileName()));

    ConfigResult result = new ConfigLoader().load(file);

    assertThat(result).isInstanceOf(ConfigResult.Invalid.class);
    assertThat(((ConfigResult.Invalid) result).errors())
        .singleElement()
        .satisfies(error -> {
          assertThat(error.path()).isEqualTo("authz.tls.clientCa");
          assertThat(error.what()).endsWith("none.pem is not there");
        });
    assertThat(result.files())
        .containsExactlyInAnyOrder(
            file, issued.certificate(), issued.key(), directory.resolve("none.pem"));
  }
}
