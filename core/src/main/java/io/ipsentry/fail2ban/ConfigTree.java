package io.ipsentry.fail2ban;

import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The files below a directory such as {@code /etc/fail2ban}.
 *
 * <p>A name such as {@code filter.d/sshd} stands for {@code sshd.conf}, {@code sshd.d/*.conf},
 * {@code sshd.local} and {@code sshd.d/*.local}, in this order. Each brings the files of its {@code
 * [INCLUDES]}, {@code before} and {@code after} itself, and those their {@code .local}. Files are
 * read once. Confined to one thread.
 */
final class ConfigTree {
  /** Largest file, in bytes. */
  static final int MAX_FILE_BYTES = 1 << 20;

  /** Most files that one name may lead to, the same file counted each time. */
  static final int MAX_FILES = 1_000;

  /** How deep files may include others. */
  private static final int MAX_DEPTH = 20;

  private static final String INCLUDES = "INCLUDES";

  private final Path directory;
  private final TreeFiles files;
  private final Map<Path, Optional<Map<String, Map<String, IniOption>>>> read =
      new LinkedHashMap<>();

  ConfigTree(Path directory, TreeFiles files) {
    this.directory = directory;
    this.files = files;
  }

  Path directory() {
    return directory;
  }

  /**
   * Reads all files of a name.
   *
   * @return empty when there is none
   * @throws Fail2banException for a file that is not of the kind
   */
  Optional<ConfigSections> sections(String name) {
    List<Path> order = new ArrayList<>();
    for (Path file : candidates(name)) {
      include(file, List.of(), order);
    }
    if (order.isEmpty()) {
      return Optional.empty();
    }
    ConfigSections sections = new ConfigSections();
    for (Path file : order) {
      content(file).ifPresent(sections::merge);
    }
    return Optional.of(sections);
  }

  private List<Path> candidates(String name) {
    Path base = resolve(directory, name);
    Path sibling = Path.of(base + ".d");
    List<Path> inDirectory = files.list(sibling).stream().sorted().toList();
    List<Path> candidates = new ArrayList<>();
    for (String ending : List.of(".conf", ".local")) {
      candidates.add(Path.of(base + ending));
      inDirectory.stream().filter(f -> f.toString().endsWith(ending)).forEach(candidates::add);
    }
    return candidates.stream().filter(file -> content(file).isPresent()).toList();
  }

  private static Path resolve(Path directory, String name) {
    try {
      return directory.resolve(name.strip()).normalize();
    } catch (InvalidPathException e) {
      throw new Fail2banException("'" + name + "' is no name of a file", e);
    }
  }

  /** Appends what a file includes before it, itself, and what it includes after it. */
  private void include(Path file, List<Path> seen, List<Path> order) {
    Optional<Map<String, Map<String, IniOption>>> content = content(file);
    if (content.isEmpty()) {
      return;
    }
    if (seen.size() > MAX_DEPTH || order.size() > MAX_FILES) {
      throw new Fail2banException(file + ": includes too many files");
    }
    Map<String, IniOption> includes = content.get().getOrDefault(INCLUDES, Map.of());
    List<Path> path = new ArrayList<>(seen);
    path.add(file);
    included(file, includes, "before", path, order);
    order.add(file);
    included(file, includes, "after", path, order);
  }

  private void included(
      Path file,
      Map<String, IniOption> includes,
      String option,
      List<Path> path,
      List<Path> order) {
    IniOption list = includes.get(option);
    if (list == null) {
      return;
    }
    ConfigSections alone = new ConfigSections();
    alone.merge(Map.of(INCLUDES, includes));
    Path home = Optional.ofNullable(file.getParent()).orElse(directory);
    for (String name : alone.get(INCLUDES, option, Map.of()).orElse("").split("\n")) {
      Path other = resolve(home, name);
      if (!name.isBlank() && !path.contains(other)) {
        include(other, path, order);
        Path local = withEnding(other, ".local");
        if (!local.equals(other) && !path.contains(local)) {
          include(local, path, order);
        }
      }
    }
  }

  private static Path withEnding(Path file, String ending) {
    String name = file.toString();
    int dot = name.lastIndexOf('.');
    return Path.of((dot > name.lastIndexOf('/') ? name.substring(0, dot) : name) + ending);
  }

  private Optional<Map<String, Map<String, IniOption>>> content(Path file) {
    return read.computeIfAbsent(file, this::load);
  }

  private Optional<Map<String, Map<String, IniOption>>> load(Path file) {
    Optional<byte[]> bytes = files.read(file);
    if (bytes.isPresent() && bytes.get().length > MAX_FILE_BYTES) {
      throw new Fail2banException(file + ": is larger than " + (MAX_FILE_BYTES >> 20) + " MiB");
    }
    return bytes.map(b -> IniFile.parse(file, new String(b, StandardCharsets.UTF_8)));
  }
}
