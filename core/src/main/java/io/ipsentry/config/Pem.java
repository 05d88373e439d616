package io.ipsentry.config;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * Certificates and private keys in PEM (RFC 7468).
 *
 * <p>Keys are PKCS#8, or RSA and EC keys in the older forms that OpenSSL and cert-manager write
 * (PKCS#1, RFC 8017 appendix A.1.2; SEC 1, RFC 5915): they are wrapped, because Java reads PKCS#8
 * alone. What a file holds beside them is passed over.
 */
final class Pem {
  private static final String BEGIN = "-----BEGIN ";
  private static final String DASHES = "-----";
  private static final String PKCS8 = "PRIVATE KEY";
  private static final String PKCS1 = "RSA PRIVATE KEY";
  private static final String SEC1 = "EC PRIVATE KEY";
  private static final String ENCRYPTED = "ENCRYPTED PRIVATE KEY";

  private static final byte[] VERSION_0 = {2, 1, 0};

  /** AlgorithmIdentifier rsaEncryption (1.2.840.113549.1.1.1) with NULL parameters. */
  private static final byte[] RSA = {
    0x30, 13, 6, 9, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 1, 1, 1, 5, 0
  };

  /** Object identifier id-ecPublicKey (1.2.840.10045.2.1). */
  private static final byte[] EC = {6, 7, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 2, 1};

  private static final int SEQUENCE = 0x30;
  private static final int OCTET_STRING = 4;

  /** Tag of the curve in an EC private key: context-specific 0, constructed. */
  private static final int CURVE = 0xa0;

  private Pem() {}

  private record Block(String label, String text) {}

  /** The certificates of a file in their order; at least one. */
  static List<X509Certificate> certificates(Path file, byte[] pem) {
    List<X509Certificate> certificates = new ArrayList<>();
    for (Block block : blocks(file, pem)) {
      if (block.label().equals("CERTIFICATE")) {
        try {
          CertificateFactory factory = CertificateFactory.getInstance("X.509");
          certificates.add(
              (X509Certificate)
                  factory.generateCertificate(new ByteArrayInputStream(der(file, block))));
        } catch (CertificateException e) {
          throw new TlsFileException(
              file,
              "has a certificate that cannot be read",
              "compare: openssl x509 -noout -text -in " + file,
              e);
        }
      }
    }
    if (certificates.isEmpty()) {
      throw new TlsFileException(
          file, "has no certificate", "it begins with " + BEGIN + "CERTIFICATE" + DASHES, null);
    }
    return certificates;
  }

  /** The first private key of a file. */
  static PrivateKey privateKey(Path file, byte[] pem) {
    for (Block block : blocks(file, pem)) {
      if (block.label().equals(ENCRYPTED) || block.text().contains("ENCRYPTED")) {
        throw new TlsFileException(
            file,
            "has a key with a password",
            "write it without one: openssl pkey -in " + file + " -out NEW",
            null);
      }
      Optional<byte[]> pkcs8 =
          switch (block.label()) {
            case PKCS8 -> Optional.of(der(file, block));
            case PKCS1 -> Optional.of(wrapped(RSA, der(file, block)));
            case SEC1 -> Optional.of(wrappedEc(file, der(file, block)));
            default -> Optional.empty();
          };
      if (pkcs8.isPresent()) {
        return key(file, pkcs8.get());
      }
    }
    throw new TlsFileException(
        file, "has no private key", "it begins with " + BEGIN + PKCS8 + DASHES, null);
  }

  private static PrivateKey key(Path file, byte[] pkcs8) {
    Exception refused = null;
    for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (InvalidKeySpecException e) {
        refused = e;
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("every Java 25 has " + algorithm, e);
      }
    }
    throw new TlsFileException(
        file, "has no key of a known kind", "use an RSA, EC or Ed25519 key", refused);
  }

  private static List<Block> blocks(Path file, byte[] pem) {
    String text = new String(pem, StandardCharsets.ISO_8859_1);
    List<Block> blocks = new ArrayList<>();
    int at = text.indexOf(BEGIN);
    while (at >= 0) {
      int labelEnd = text.indexOf(DASHES, at + BEGIN.length());
      String label = labelEnd < 0 ? "" : text.substring(at + BEGIN.length(), labelEnd);
      int end = text.indexOf("-----END " + label + DASHES, at);
      if (labelEnd < 0 || end < labelEnd) {
        throw new TlsFileException(
            file, "is cut off", "copy the whole file, its last line too", null);
      }
      blocks.add(new Block(label, text.substring(labelEnd + DASHES.length(), end)));
      at = text.indexOf(BEGIN, end);
    }
    return blocks;
  }

  private static byte[] der(Path file, Block block) {
    try {
      return Base64.getMimeDecoder().decode(block.text());
    } catch (IllegalArgumentException e) {
      throw new TlsFileException(
          file, "is not PEM: its Base64 is damaged", "copy the file again", e);
    }
  }

  private static byte[] wrapped(byte[] algorithm, byte[] key) {
    return tagged(SEQUENCE, VERSION_0, algorithm, tagged(OCTET_STRING, key));
  }

  /**
   * Wraps {@code ECPrivateKey ::= SEQUENCE { version, privateKey, [0] parameters, [1] publicKey }}:
   * the curve goes into the algorithm.
   */
  private static byte[] wrappedEc(Path file, byte[] key) {
    int at = contentOf(key, 0);
    while (at > 0 && at < key.length) {
      int content = contentOf(key, at);
      int end = content < 0 ? -1 : endOf(key, at, content);
      if (end < 0 || end > key.length) {
        break;
      }
      if ((key[at] & 0xff) == CURVE) {
        byte[] curve = Arrays.copyOfRange(key, content, end);
        return wrapped(tagged(SEQUENCE, EC, curve), key);
      }
      at = end;
    }
    throw new TlsFileException(
        file,
        "has an EC key that does not name its curve",
        "write it as PKCS#8: openssl pkey -in " + file + " -out NEW",
        null);
  }

  /** Where the content of a DER element begins; -1: it is damaged. */
  private static int contentOf(byte[] der, int at) {
    if (at + 2 > der.length) {
      return -1;
    }
    int first = der[at + 1] & 0xff;
    int bytes = first < 0x80 ? 0 : first & 0x7f;
    return bytes > 3 || at + 2 + bytes > der.length ? -1 : at + 2 + bytes;
  }

  /** Where a DER element ends, whose content begins at {@code content}. */
  private static int endOf(byte[] der, int at, int content) {
    if (content == at + 2) {
      return content + (der[at + 1] & 0xff);
    }
    int length = 0;
    for (int i = at + 2; i < content; i++) {
      length = length << 8 | der[i] & 0xff;
    }
    return content + length;
  }

  private static byte[] tagged(int tag, byte[]... contents) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (byte[] each : contents) {
      content.writeBytes(each);
    }
    ByteArrayOutputStream element = new ByteArrayOutputStream();
    element.write(tag);
    int length = content.size();
    if (length < 0x80) {
      element.write(length);
    } else {
      int bytes = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
      element.write(0x80 | bytes);
      for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        element.write(length >> shift);
      }
    }
    element.writeBytes(content.toByteArray());
    return element.toByteArray();
  }
}
