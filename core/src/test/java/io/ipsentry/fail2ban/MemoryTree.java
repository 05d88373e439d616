package io.ipsentry.fail2ban;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A configuration tree that is written down in a test. */
final class MemoryTree implements TreeFiles {
  static final Path ROOT = Path.of("/f2b");

  /** The tree of the package that is installed. */
  static final Path INSTALLED = Path.of("/etc/fail2ban");

  private final Map<Path, String> files = new LinkedHashMap<>();

  MemoryTree file(String name, String text) {
    files.put(ROOT.resolve(name), text);
    return this;
  }

  JailTree jails() {
    return new JailTree(ROOT, this);
  }

  ConfigTree tree() {
    return new ConfigTree(ROOT, this);
  }

  @Override
  public Optional<byte[]> read(Path file) {
    return Optional.ofNullable(files.get(file)).map(t -> t.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public List<Path> list(Path directory) {
    return files.keySet().stream().filter(file -> directory.equals(file.getParent())).toList();
  }

  /** Files as they are on the disk. */
  static TreeFiles disk() {
    return new TreeFiles() {
      @Override
      public Optional<byte[]> read(Path file) {
        try {
          return Files.isRegularFile(file)
              ? Optional.of(Files.readAllBytes(file))
              : Optional.empty();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }

      @Override
      public List<Path> list(Path directory) {
        if (!Files.isDirectory(directory)) {
          return List.of();
        }
        try (Stream<Path> found = Files.list(directory)) {
          return found.toList();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    };
  }

  /** Names of the filters of the installed package, those that only serve others left out. */
  static List<String> installedFilters() {
    return disk().list(INSTALLED.resolve("filter.d")).stream()
        .map(file -> file.getFileName().toString())
        .filter(name -> name.endsWith(".conf") && !name.endsWith("common.conf"))
        .map(name -> name.substring(0, name.length() - ".conf".length()))
        .sorted()
        .toList();
  }
}
