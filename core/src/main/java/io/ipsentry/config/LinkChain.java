package io.ipsentry.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The directory entries whose change can change what a path leads to: each symbolic link on the
 * way, and the file at the end.
 *
 * <p>Kubernetes mounts a ConfigMap as {@code config.yaml -> ..data/config.yaml}, {@code ..data ->
 * ..2026_11_21}, and swaps {@code ..data}: only a watch on the entry {@code ..data} sees it.
 */
final class LinkChain {
  /** More links on one path are a loop; Linux stops at 40 too (path_resolution(7)). */
  private static final int MAX_LINKS = 40;

  private LinkChain() {}

  /** The entries, as paths whose parents have no link in them. */
  static Set<Path> entries(Path file) {
    Set<Path> entries = new LinkedHashSet<>();
    Path absolute = file.toAbsolutePath();
    Path root = absolute.getRoot();
    Path current = root;
    Deque<Path> ahead = new ArrayDeque<>();
    absolute.forEach(ahead::addLast);
    int links = 0;
    while (!ahead.isEmpty()) {
      String name = ahead.removeFirst().toString();
      if (name.equals("..")) {
        current = current.getParent() == null ? root : current.getParent();
        continue;
      }
      if (name.isEmpty() || name.equals(".")) {
        continue;
      }
      Path next = current.resolve(name);
      Path target = links < MAX_LINKS ? target(next) : next;
      if (!target.equals(next)) {
        links++;
        entries.add(next);
        current = target.isAbsolute() ? root : current;
        for (int i = target.getNameCount() - 1; i >= 0; i--) {
          ahead.addFirst(target.getName(i));
        }
        continue;
      }
      if (ahead.isEmpty() || !Files.exists(next)) {
        entries.add(next);
        break;
      }
      current = next;
    }
    return entries;
  }

  /** Where a link leads; the path itself when it is no link. */
  private static Path target(Path path) {
    if (!Files.isSymbolicLink(path)) {
      return path;
    }
    try {
      return Files.readSymbolicLink(path);
    } catch (IOException e) {
      // It was a link a moment ago; whoever changes it now will be seen by the watch on it.
      return path;
    }
  }
}
