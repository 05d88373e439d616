package io.ipsentry.watcher.source;

import java.nio.file.Path;
import java.util.List;

/**
 * What is stored of one path.
 *
 * @param path as it was configured or found
 * @param realPath the same without symbolic links, as of the last time there was a file
 * @param files being read, oldest first; the last one is the file at the path, if there was one
 * @param known files not read any more, which must not be read again
 */
record SavedStream(Path path, Path realPath, List<SavedFile> files, List<SavedFile> known) {
  SavedStream {
    files = List.copyOf(files);
    known = List.copyOf(known);
  }
}
