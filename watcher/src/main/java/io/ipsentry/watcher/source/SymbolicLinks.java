package io.ipsentry.watcher.source;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;

/** The steps from a path to its file. */
final class SymbolicLinks {
  /** As the kernel: a longer chain of links is an error there. */
  private static final int MAX_LINKS = 40;

  private SymbolicLinks() {}

  /**
   * The path itself and the target of every link on the way to the file, each with its directory
   * resolved: a change to the file, or of the file, is a change of a name in one of these
   * directories. Stops at the first step that is not there.
   */
  static Set<Path> places(Path path) {
    Set<Path> places = new LinkedHashSet<>();
    Path step = path;
    try {
      for (int i = 0; i < MAX_LINKS; i++) {
        Path directory = step.getParent();
        Path name = step.getFileName();
        if (directory == null || name == null) {
          break;
        }
        Path real = directory.toRealPath().resolve(name);
        if (!places.add(real) || !Files.isSymbolicLink(real)) {
          break;
        }
        step = real.resolveSibling(Files.readSymbolicLink(real)).normalize();
      }
    } catch (IOException e) {
      // A step that is not there: what is known so far is all there is to watch.
      places.add(path);
    }
    return places;
  }
}
