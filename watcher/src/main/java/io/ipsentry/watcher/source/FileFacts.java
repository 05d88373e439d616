package io.ipsentry.watcher.source;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What stat(2) says of a file, symbolic links followed.
 *
 * @param id which file it is
 * @param size bytes
 * @param modifiedMillis last write, epoch milliseconds
 * @param regular false for directories, pipes, sockets and devices
 */
record FileFacts(FileId id, long size, long modifiedMillis, boolean regular) {
  private static final LinkOption[] FOLLOW = {};

  /** Asks the system about {@code path}. */
  static FileFacts of(Path path) throws IOException {
    Map<String, Object> a =
        Files.readAttributes(path, "unix:dev,ino,size,lastModifiedTime,isRegularFile", FOLLOW);
    return new FileFacts(
        new FileId((long) value(a, "dev"), (long) value(a, "ino")),
        (long) value(a, "size"),
        ((FileTime) value(a, "lastModifiedTime")).toMillis(),
        (boolean) value(a, "isRegularFile"));
  }

  /** Asks about {@code path}; null unless a regular file is there. */
  static @Nullable FileFacts ofRegular(Path path) throws IOException {
    try {
      FileFacts facts = of(path);
      return facts.regular() ? facts : null;
    } catch (NoSuchFileException | NotDirectoryException e) {
      return null;
    }
  }

  private static Object value(Map<String, Object> attributes, String name) {
    return Objects.requireNonNull(attributes.get(name), name);
  }
}
