package io.ipsentry.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A certificate authority of a test's own, whose certificates are real: made by {@code openssl}.
 *
 * <p>For tests with {@code @RequiresProgram("openssl")}. Confined to one thread.
 */
public final class CertificateAuthority {
  private static final String DAYS = "30";

  private final Path directory;
  private final Path certificate;
  private final Path key;
  private int issued;

  private CertificateAuthority(Path directory, String name) {
    this.directory = directory;
    certificate = directory.resolve(name + ".pem");
    key = directory.resolve(name + ".key");
  }

  /**
   * A certificate with its key.
   *
   * @param certificate PEM
   * @param key PEM, PKCS#8
   */
  public record Issued(Path certificate, Path key) {}

  /** Makes an authority whose files lie in {@code directory} and begin with {@code name}. */
  public static CertificateAuthority create(Path directory, String name) {
    CertificateAuthority authority = new CertificateAuthority(directory, name);
    List<String> command = new ArrayList<>(List.of("openssl", "req", "-x509"));
    command.addAll(newKey(authority.key, name));
    command.addAll(List.of("-days", DAYS, "-out", authority.certificate.toString()));
    Programs.run(command);
    return authority;
  }

  /** Its own certificate, PEM. */
  public Path certificate() {
    return certificate;
  }

  /** Its own key, PEM, PKCS#8. */
  public Path key() {
    return key;
  }

  /**
   * Issues a certificate for 30 days with an EC key of the curve P-256.
   *
   * @param name common name
   * @param alternativeNames such as {@code DNS:localhost}, {@code IP:127.0.0.1}, {@code
   *     URI:spiffe://a/b}
   */
  public Issued issue(String name, String... alternativeNames) {
    issued++;
    String base = name.replaceAll("[^A-Za-z0-9]", "-") + "-" + issued;
    Path request = directory.resolve(base + ".csr");
    Path extensions = directory.resolve(base + ".ext");
    Issued made = new Issued(directory.resolve(base + ".pem"), directory.resolve(base + ".key"));
    List<String> command = new ArrayList<>(List.of("openssl", "req", "-new"));
    command.addAll(newKey(made.key(), name));
    command.addAll(List.of("-out", request.toString()));
    Programs.run(command);
    try {
      Files.writeString(
          extensions,
          alternativeNames.length == 0
              ? "basicConstraints=CA:FALSE\n"
              : "subjectAltName=" + String.join(",", alternativeNames) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + extensions, e);
    }
    List<String> sign = new ArrayList<>(List.of("openssl", "x509", "-req", "-CAcreateserial"));
    sign.addAll(List.of("-CA", certificate.toString(), "-CAkey", key.toString()));
    sign.addAll(List.of("-in", request.toString(), "-extfile", extensions.toString()));
    sign.addAll(List.of("-days", DAYS, "-out", made.certificate().toString()));
    Programs.run(sign);
    return made;
  }

  private static List<String> newKey(Path key, String name) {
    List<String> options = new ArrayList<>();
    options.addAll(List.of("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"));
    options.addAll(List.of("-keyout", key.toString(), "-subj", "/CN=" + name));
    return options;
  }
}
