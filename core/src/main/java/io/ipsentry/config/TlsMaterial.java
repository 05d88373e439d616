package io.ipsentry.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What the files of a {@link TlsConfig} hold, read and found to fit together. Immutable; safe for
 * any thread.
 *
 * @param key belongs to the first certificate
 * @param chain the server's own certificate, then the one that signed it, and so on; the root may
 *     be left out
 * @param clientCas who may sign client certificates; empty: no client certificate is asked for
 */
public record TlsMaterial(
    PrivateKey key, List<X509Certificate> chain, List<X509Certificate> clientCas) {
  /** Largest file. */
  static final int MAX_FILE_BYTES = 1 << 20;

  /** What is signed to see whether a key belongs to a certificate. */
  private static final byte[] PROBE = {1, 2, 3, 4, 5, 6, 7, 8};

  private static final Duration LONGEST_NOTICE = Duration.ofDays(14);

  public TlsMaterial {
    chain = List.copyOf(chain);
    clientCas = List.copyOf(clientCas);
  }

  /**
   * Reads the files.
   *
   * @throws TlsFileException if one cannot be read, or if they do not belong together
   */
  public static TlsMaterial read(TlsConfig config) {
    List<X509Certificate> chain =
        Pem.certificates(config.certificate(), bytes(config.certificate()));
    PrivateKey key = Pem.privateKey(config.key(), bytes(config.key()));
    Optional<Path> ca = config.clientCa();
    List<X509Certificate> cas =
        ca.isEmpty() ? List.of() : Pem.certificates(ca.get(), bytes(ca.get()));
    checkKey(config, chain, key);
    checkOrder(config.certificate(), chain);
    return new TlsMaterial(key, chain, cas);
  }

  /**
   * What a client shows, where it is not in files of its own, such as in a kubeconfig.
   *
   * @param source as messages name it
   * @param chain PEM, its own certificate first
   * @param key PEM
   * @throws TlsFileException if they cannot be read, or do not belong together
   */
  public static TlsMaterial of(Path source, byte[] chain, byte[] key) {
    TlsMaterial material =
        new TlsMaterial(Pem.privateKey(source, key), Pem.certificates(source, chain), List.of());
    checkKey(new TlsConfig(source, source, Optional.empty()), material.chain(), material.key());
    return material;
  }

  private static byte[] bytes(Path file) {
    try {
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        throw new TlsFileException(file, "is not a regular file", "name a file", null);
      }
      try (InputStream in = Files.newInputStream(file)) {
        byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
        if (bytes.length > MAX_FILE_BYTES) {
          throw new TlsFileException(
              file, "is larger than 1 MiB", "name a file that holds what is needed alone", null);
        }
        return bytes;
      }
    } catch (NoSuchFileException e) {
      throw new TlsFileException(file, "is not there", "create it, or correct the path", e);
    } catch (AccessDeniedException e) {
      throw new TlsFileException(
          file, "cannot be read by this user", "give the user of ip-sentry the right to", e);
    } catch (IOException e) {
      throw new TlsFileException(
          file, "cannot be read: " + e.getMessage(), "make it a readable file", e);
    }
  }

  private static void checkKey(TlsConfig config, List<X509Certificate> chain, PrivateKey key) {
    if (belong(chain.get(0).getPublicKey(), key)) {
      return;
    }
    boolean misplaced = chain.stream().anyMatch(other -> belong(other.getPublicKey(), key));
    throw misplaced
        ? new TlsFileException(
            config.certificate(),
            "does not begin with the certificate that the key belongs to",
            "put the server's own certificate first, then the one that signed it",
            null)
        : new TlsFileException(
            config.key(),
            "does not belong to the certificate in " + config.certificate(),
            "name the key that the certificate was made for",
            null);
  }

  private static boolean belong(PublicKey certified, PrivateKey key) {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> "EdDSA";
        };
    try {
      Signature signer = Signature.getInstance(algorithm);
      signer.initSign(key);
      signer.update(PROBE);
      byte[] signature = signer.sign();
      Signature verifier = Signature.getInstance(algorithm);
      verifier.initVerify(certified);
      verifier.update(PROBE);
      return verifier.verify(signature);
    } catch (GeneralSecurityException e) {
      // A public key of another kind, or a signature of another form: they do not belong together.
      return false;
    }
  }

  private static void checkOrder(Path file, List<X509Certificate> chain) {
    for (int i = 1; i < chain.size(); i++) {
      if (!chain
          .get(i - 1)
          .getIssuerX500Principal()
          .equals(chain.get(i).getSubjectX500Principal())) {
        throw new TlsFileException(
            file,
            "has certificates that did not sign each other: number "
                + (i + 1)
                + " did not sign number "
                + i,
            "put each one behind the one that it signed, and remove others",
            null);
      }
    }
  }

  /** From when on every certificate of the chain is valid. */
  public Instant startsAt() {
    return chain.stream()
        .map(certificate -> certificate.getNotBefore().toInstant())
        .max(Instant::compareTo)
        .orElse(Instant.MIN);
  }

  /** When the first certificate of the chain ceases to be valid. */
  public Instant expiresAt() {
    return chain.stream()
        .map(certificate -> certificate.getNotAfter().toInstant())
        .min(Instant::compareTo)
        .orElse(Instant.MAX);
  }

  /**
   * What is to be said about the dates of the chain: that it has expired, is not valid yet, or
   * expires within a tenth of its life, at most {@code 14} days; empty: nothing.
   */
  public Optional<String> doubt(Instant now) {
    if (!now.isBefore(expiresAt())) {
      return Optional.of("has expired at " + expiresAt() + ", so gateways refuse it");
    }
    if (now.isBefore(startsAt())) {
      return Optional.of("is not valid before " + startsAt() + ", so gateways refuse it");
    }
    Duration notice = Duration.between(startsAt(), expiresAt()).dividedBy(10);
    notice = notice.compareTo(LONGEST_NOTICE) < 0 ? notice : LONGEST_NOTICE;
    return now.isBefore(expiresAt().minus(notice))
        ? Optional.empty()
        : Optional.of("expires at " + expiresAt());
  }

  /** Leaves the key out. */
  @Override
  public String toString() {
    return "TlsMaterial[" + chain.get(0).getSubjectX500Principal() + ", until " + expiresAt() + "]";
  }
}
