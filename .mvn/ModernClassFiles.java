import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.constant.ClassDesc;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * Lifts the class files of a library to the version of Java 8, in place: {@code DIRECTORY PREFIX},
 * for each {@code DIRECTORY/PREFIX*.jar}.
 *
 * <p>Class files older than Java 6 have no stack maps. The JVM takes none of them into its
 * ahead-of-time cache and checks them at every start with its old, slow verifier; of picocli, which
 * is compiled for Java 5, that cost 0.1 s of each command. The code stays as it is and gets stack
 * maps. A jar without such classes is left alone. Started by the launcher as a source file.
 */
final class ModernClassFiles {
  private static final int WITH_STACK_MAPS = ClassFile.JAVA_6_VERSION;

  /** Of every entry, so that the same jar gives the same bytes. */
  private static final LocalDateTime TIME = LocalDateTime.of(1980, 1, 1, 0, 0);

  private static final ClassFileVersion TARGET = ClassFileVersion.of(ClassFile.JAVA_8_VERSION, 0);

  private ModernClassFiles() {}

  public static void main(String[] args) throws IOException {
    try (DirectoryStream<Path> jars =
        Files.newDirectoryStream(Path.of(args[0]), args[1] + "*.jar")) {
      for (Path jar : jars) {
        lift(jar);
      }
    }
  }

  private static void lift(Path jar) throws IOException {
    Map<String, byte[]> entries = read(jar);
    ClassFile parser = ClassFile.of();
    boolean lifted = false;
    for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
      if (isClass(entry.getKey())) {
        ClassModel old = parser.parse(entry.getValue());
        if (old.majorVersion() < WITH_STACK_MAPS) {
          entry.setValue(withStackMaps(old, entries));
          lifted = true;
        }
      }
    }
    if (lifted) {
      write(entries, jar);
    }
  }

  private static boolean isClass(String name) {
    return name.endsWith(".class") && !name.endsWith("module-info.class");
  }

  private static byte[] withStackMaps(ClassModel old, Map<String, byte[]> entries) {
    ClassHierarchyResolver resolver =
        ClassHierarchyResolver.ofResourceParsing(type -> find(type, entries))
            .orElse(ClassHierarchyResolver.defaultResolver());
    ClassTransform version =
        (builder, element) -> builder.with(element instanceof ClassFileVersion ? TARGET : element);
    return ClassFile.of(
            ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
            ClassFile.ClassHierarchyResolverOption.of(resolver))
        .transformClass(
            old,
            ClassTransform.transformingMethodBodies((code, element) -> code.with(element))
                .andThen(version));
  }

  private static InputStream find(ClassDesc type, Map<String, byte[]> entries) {
    String descriptor = type.descriptorString();
    byte[] found = entries.get(descriptor.substring(1, descriptor.length() - 1) + ".class");
    return found == null ? null : new ByteArrayInputStream(found);
  }

  private static Map<String, byte[]> read(Path jar) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(jar))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        entries.put(entry.getName(), in.readAllBytes());
      }
    }
    return entries;
  }

  private static void write(Map<String, byte[]> entries, Path jar) throws IOException {
    Path unfinished = jar.resolveSibling(jar.getFileName() + ".new");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(unfinished))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        ZipEntry lifted = new ZipEntry(entry.getKey());
        lifted.setTimeLocal(TIME);
        out.putNextEntry(lifted);
        out.write(entry.getValue());
        out.closeEntry();
      }
    }
    Files.move(unfinished, jar, StandardCopyOption.REPLACE_EXISTING);
  }
}
