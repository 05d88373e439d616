package io.ipsentry.watcher;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which sources read a file, in the order in which they come to have it: a rule that listens to
 * several of them takes the file's lines from the first, so that a line is one hit of a rule
 * however many sources name its file. A rule that listens to one of them only is not concerned: two
 * sources may read one file in two formats, for rules of their own.
 *
 * <p>Files are told apart by their paths without symbolic links. Confined to the reading thread.
 */
final class SharedFiles {
  private final Map<Path, Set<String>> readers = new HashMap<>();

  /** Notes that a source reads a file, behind those that are noted. */
  void add(Path file, String source) {
    readers.computeIfAbsent(file, f -> new LinkedHashSet<>()).add(source);
  }

  /**
   * Forgets that a source reads a file.
   *
   * @return whether other sources do
   */
  boolean remove(Path file, String source) {
    Set<String> all = readers.get(file);
    if (all == null) {
      return false;
    }
    all.remove(source);
    if (all.isEmpty()) {
      readers.remove(file);
    }
    return !all.isEmpty();
  }

  /** Forgets every source that is not among these. */
  void keepOnly(Set<String> sources) {
    readers.values().forEach(all -> all.retainAll(sources));
    readers.values().removeIf(Set::isEmpty);
  }

  /** The sources that come before this one, in order. */
  Set<String> before(Path file, String source) {
    List<String> all = List.copyOf(readers.getOrDefault(file, Set.of()));
    int at = all.indexOf(source);
    return new LinkedHashSet<>(all.subList(0, Math.max(0, at)));
  }
}
