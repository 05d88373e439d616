import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.LocalDateTime;
import java.util.HexFormat;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * Files of the image that no program of Debian makes twice alike. Started by {@code assemble} as a
 * source file, in the build stage.
 *
 * <ul>
 *   <li>{@code trust PEM FILE}: the authorities in a PEM file as a trust store of Java, without a
 *       password, dates or salts; Debian's own has the day of each certificate's import in it.
 *   <li>{@code natives JAR MACHINE}: removes from SQLite's jar, in place, the libraries of every
 *       other system ({@code MACHINE} as {@code uname -m} says it).
 * </ul>
 */
final class ImageFiles {
  private static final String NATIVES = "org/sqlite/native/";
  private static final LocalDateTime TIME = LocalDateTime.of(1980, 1, 1, 0, 0);

  private ImageFiles() {}

  public static void main(String[] args) throws IOException, GeneralSecurityException {
    switch (args[0]) {
      case "trust" -> trust(Path.of(args[1]), Path.of(args[2]));
      case "natives" -> keepNatives(Path.of(args[1]), args[2]);
      default -> throw new IllegalArgumentException("neither trust nor natives: " + args[0]);
    }
  }

  private static void trust(Path pem, Path file) throws IOException, GeneralSecurityException {
    // As the JDK's own: readable with any password, and by a JVM that is told none.
    System.setProperty("keystore.pkcs12.certProtectionAlgorithm", "NONE");
    System.setProperty("keystore.pkcs12.macAlgorithm", "NONE");
    TreeMap<String, Certificate> byFingerprint = new TreeMap<>();
    try (InputStream in = Files.newInputStream(pem)) {
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
        byFingerprint.put(HexFormat.of().formatHex(digest), certificate);
      }
    }
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    for (var entry : byFingerprint.entrySet()) {
      store.setCertificateEntry(entry.getKey(), entry.getValue());
    }
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, null);
    }
  }

  private static void keepNatives(Path jar, String machine) throws IOException {
    String kept = NATIVES + "Linux/" + machine + "/";
    Path unfinished = jar.resolveSibling(jar.getFileName() + ".new");
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(jar));
        ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(unfinished))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        String name = entry.getName();
        if (name.startsWith(NATIVES) && !name.endsWith("/") && !name.startsWith(kept)) {
          continue;
        }
        ZipEntry copy = new ZipEntry(name);
        copy.setTimeLocal(TIME);
        out.putNextEntry(copy);
        in.transferTo(out);
        out.closeEntry();
      }
    }
    Files.move(unfinished, jar, StandardCopyOption.REPLACE_EXISTING);
  }
}
