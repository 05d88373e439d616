package io.ipsentry.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this host lets its user do with files. Safe for any thread. */
interface HostFiles {
  /** As it is. */
  HostFiles REAL =
      new HostFiles() {
        @Override
        public boolean isReadable(Path file) {
          return Files.isReadable(file);
        }

        @Override
        public boolean isWritable(Path path) {
          return Files.isWritable(path);
        }

        @Override
        public long freeBytes(Path directory) throws IOException {
          return Files.getFileStore(directory).getUsableSpace();
        }
      };

  /** Whether the user may read a file. */
  boolean isReadable(Path file);

  /** Whether the user may write a file, or into a directory. */
  boolean isWritable(Path path);

  /**
   * Room for more below a directory.
   *
   * @throws IOException if it cannot be told
   */
  long freeBytes(Path directory) throws IOException;
}
