package io.ipsentry.watcher.source;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Paths and globs, and which files they name now.
 *
 * <p>A glob is matched segment by segment: {@code *}, {@code ?}, {@code [a-z]}, {@code {a,b}}, and
 * a segment {@code **} for any number of directories. As in a shell, a name that begins with a dot
 * is matched only by a pattern that does. What looks compressed ({@code .gz} and the like) is left
 * out of a glob's result. {@code **} follows no symbolic links and goes {@value #MAX_DEPTH}
 * directories deep; beyond {@value #MAX_FILES} files or {@value #MAX_DIRECTORIES} directories the
 * rest is left out, which {@link Expansion#isCut} tells.
 */
public final class FilePatterns {
  static final int MAX_FILES = 4096;
  static final int MAX_DIRECTORIES = 4096;
  static final int MAX_DEPTH = 16;

  private static final Logger logger = LoggerFactory.getLogger(FilePatterns.class);
  private static final String ANY_DEPTH = "**";

  private final List<String> patterns;
  private final boolean hasGlob;

  /** Paths and globs as they are configured. */
  public FilePatterns(Collection<String> patterns) {
    this.patterns = List.copyOf(patterns);
    hasGlob = this.patterns.stream().anyMatch(FilePatterns::isGlob);
  }

  /**
   * What the patterns name.
   *
   * @param files absolute path → the first pattern that names it; a plain path whether it exists or
   *     not
   * @param directories real paths of the directories that were searched
   * @param isCut whether a limit was reached
   */
  public record Expansion(Map<Path, String> files, Set<Path> directories, boolean isCut) {}

  List<String> list() {
    return patterns;
  }

  boolean hasGlob() {
    return hasGlob;
  }

  /** Whether the path is none that is named as it is. */
  boolean isFromGlob(Path path) {
    return patterns.stream().noneMatch(p -> Path.of(p).toAbsolutePath().normalize().equals(path));
  }

  private static boolean isGlob(String pattern) {
    return pattern.chars().anyMatch(c -> c == '*' || c == '?' || c == '[' || c == '{')
        && !Files.exists(Path.of(pattern));
  }

  /** Whether a pattern names the absolute path, as it is written; does not look at files. */
  boolean names(Path path) {
    List<String> segments = segments(path);
    boolean isLog = !RotatedNames.isCompressed(segments.getLast());
    for (String pattern : patterns) {
      Path absolute = Path.of(pattern).toAbsolutePath().normalize();
      if (absolute.equals(path)
          || isLog && isGlob(pattern) && matches(segments(absolute), segments)) {
        return true;
      }
    }
    return false;
  }

  private static List<String> segments(Path path) {
    List<String> segments = new ArrayList<>();
    path.forEach(segment -> segments.add(segment.toString()));
    return segments;
  }

  private static boolean matches(List<String> pattern, List<String> path) {
    if (pattern.isEmpty() || path.isEmpty()) {
      return pattern.isEmpty() && path.isEmpty();
    }
    String wanted = pattern.getFirst();
    List<String> rest = pattern.subList(1, pattern.size());
    String segment = path.getFirst();
    boolean isHidden = segment.startsWith(".");
    if (wanted.equals(ANY_DEPTH)) {
      return matches(rest.isEmpty() ? List.of("*") : rest, path)
          || path.size() > 1 && !isHidden && matches(pattern, path.subList(1, path.size()));
    }
    boolean fits =
        Search.isWild(wanted)
            ? (!isHidden || wanted.startsWith("."))
                && FileSystems.getDefault()
                    .getPathMatcher("glob:" + wanted)
                    .matches(Path.of(segment))
            : wanted.equals(segment);
    return fits && matches(rest, path.subList(1, path.size()));
  }

  /** Looks at the file system. */
  public Expansion expand() {
    Map<Path, String> files = new LinkedHashMap<>();
    Set<Path> directories = new LinkedHashSet<>();
    boolean cut = false;
    for (String pattern : patterns) {
      Path absolute = Path.of(pattern).toAbsolutePath().normalize();
      if (!isGlob(pattern)) {
        files.putIfAbsent(absolute, pattern);
        continue;
      }
      Search search = new Search(files, directories, pattern);
      search.descend(absolute.getRoot(), segments(absolute), 0);
      cut |= search.cut;
    }
    return new Expansion(files, directories, cut);
  }

  private static final class Search {
    private final Map<Path, String> files;
    private final Set<Path> directories;
    private final String pattern;
    private boolean cut;

    Search(Map<Path, String> files, Set<Path> directories, String pattern) {
      this.files = files;
      this.directories = directories;
      this.pattern = pattern;
    }

    void descend(Path directory, List<String> segments, int depth) {
      String segment = segments.getFirst();
      List<String> rest = segments.subList(1, segments.size());
      if (segment.equals(ANY_DEPTH)) {
        anyDepth(directory, rest, depth);
      } else if (isWild(segment)) {
        wild(directory, segment, rest, depth);
      } else {
        step(directory.resolve(segment), rest, depth);
      }
    }

    private void step(Path next, List<String> rest, int depth) {
      if (rest.isEmpty()) {
        found(next);
      } else if (Files.isDirectory(next)) {
        descend(next, rest, depth);
      }
    }

    private void wild(Path directory, String segment, List<String> rest, int depth) {
      PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + segment);
      for (Path entry : list(directory)) {
        Path name = entry.getFileName();
        boolean hidden = name.toString().startsWith(".") && !segment.startsWith(".");
        if (!hidden && matcher.matches(name)) {
          step(entry, rest, depth);
        }
      }
    }

    private void anyDepth(Path directory, List<String> rest, int depth) {
      List<String> here = rest.isEmpty() ? List.of("*") : rest;
      descend(directory, here, depth);
      if (depth >= MAX_DEPTH) {
        cut = true;
        return;
      }
      List<String> again = new ArrayList<>();
      again.add(ANY_DEPTH);
      again.addAll(rest);
      for (Path entry : list(directory)) {
        boolean hidden = entry.getFileName().toString().startsWith(".");
        if (!hidden && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
          descend(entry, again, depth + 1);
        }
      }
    }

    private void found(Path file) {
      if (files.containsKey(file)
          || RotatedNames.isCompressed(file.getFileName().toString())
          || Files.isDirectory(file)) {
        return;
      }
      if (files.size() >= MAX_FILES) {
        cut = true;
        return;
      }
      files.put(file, pattern);
    }

    private List<Path> list(Path directory) {
      List<Path> entries = new ArrayList<>();
      try (DirectoryStream<Path> all = Files.newDirectoryStream(directory)) {
        if (directories.size() >= MAX_DIRECTORIES) {
          cut = true;
          return entries;
        }
        directories.add(directory.toRealPath());
        all.forEach(entries::add);
      } catch (IOException | DirectoryIteratorException e) {
        logger
            .atDebug()
            .addKeyValue("directory", directory)
            .setCause(e)
            .log("Cannot list directory");
      }
      entries.sort(null);
      return entries;
    }

    private static boolean isWild(String segment) {
      return segment
          .chars()
          .anyMatch(c -> c == '*' || c == '?' || c == '[' || c == '{' || c == '\\');
    }
  }
}
