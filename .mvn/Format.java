import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * Runs google-java-format over source trees: {@code check CACHE DIR...} or {@code apply CACHE
 * DIR...}.
 *
 * <p>Started by Maven as a source file on the JDK of the tool chain, because the formatter uses
 * javac of its JVM and Maven's may be too old to know the language. CACHE is a file with the
 * SHA-256 of contents known to be formatted; those are not looked at again, so that an unchanged
 * module costs one hash a file.
 */
final class Format {
  private static final String TOOL = "google-java-format";
  private static final Set<String> BUILD_OUTPUT = Set.of("target", ".run");

  private Format() {}

  public static void main(String[] args) throws IOException, NoSuchAlgorithmException {
    boolean apply = args[0].equals("apply");
    Path cache = Path.of(args[1]);
    Set<String> known = Files.exists(cache) ? new HashSet<>(Files.readAllLines(cache)) : Set.of();

    Set<String> seen = new TreeSet<>();
    Map<String, String> hashByFile = new HashMap<>();
    for (int i = 2; i < args.length; i++) {
      for (Path file : javaFiles(Path.of(args[i]))) {
        String hash = sha256(Files.readAllBytes(file));
        if (known.contains(hash)) {
          seen.add(hash);
        } else {
          hashByFile.put(file.toString(), hash);
        }
      }
    }

    if (!hashByFile.isEmpty()) {
      Set<String> wrong = format(apply, hashByFile.keySet());
      for (Map.Entry<String, String> file : hashByFile.entrySet()) {
        if (!wrong.contains(file.getKey())) {
          seen.add(file.getValue());
        }
      }
      if (!wrong.isEmpty()) {
        System.err.println("Not formatted:");
        wrong.stream().sorted().forEach(file -> System.err.println("  " + file));
        System.err.println("To format everything: ./mvnw -q -N -Pformat process-sources");
        System.exit(1);
      }
    }
    Files.createDirectories(cache.toAbsolutePath().getParent());
    Files.write(cache, seen);
  }

  /**
   * Returns the files that are not formatted, or with {@code apply} formats them and returns none.
   */
  private static Set<String> format(boolean apply, Set<String> files) {
    ToolProvider formatter =
        ToolProvider.findFirst(TOOL)
            .orElseThrow(() -> new IllegalStateException(TOOL + " is not on the class path"));
    List<String> arguments = new ArrayList<>();
    arguments.add(apply ? "--replace" : "--dry-run");
    arguments.addAll(files);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        formatter.run(
            new PrintWriter(out, true),
            new PrintWriter(err, true),
            arguments.toArray(String[]::new));
    if (status != 0) {
      System.err.print(err);
      System.exit(1);
    }
    return new HashSet<>(out.toString().lines().toList());
  }

  /** Returns the Java sources below {@code root}, without generated ones and build output. */
  private static List<Path> javaFiles(Path root) throws IOException {
    if (!Files.isDirectory(root)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.walk(root)) {
      return paths
          .filter(path -> path.toString().endsWith(".java"))
          .filter(Files::isRegularFile)
          .toList();
    }
  }

  private static String sha256(byte[] bytes) throws NoSuchAlgorithmException {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    digest.update(TOOL.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(digest.digest(bytes));
  }
}
