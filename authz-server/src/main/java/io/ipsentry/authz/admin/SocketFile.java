package io.ipsentry.authz.admin;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The place of a Unix socket in the file system, owned by one process.
 *
 * <p>A lock on {@code <socket>.lock}, held as long as the server lives, says whose the path is: the
 * kernel lets go of it whatever way a process ends, so a socket that a killed server left behind is
 * recognised and replaced, and a living one never. The lock file stays (removing it would let two
 * processes lock two files of one name).
 *
 * <p>The socket is bound in a directory that only we can enter, gets its mode there, and is then
 * moved to its place: at no moment can others connect. Confined to one thread at a time.
 */
final class SocketFile implements AutoCloseable {
  /** Longest path of a Unix socket on Linux, in bytes (unix(7): 108 with the final zero). */
  static final int MAX_PATH_BYTES = 107;

  private static final FileAttribute<Set<PosixFilePermission>> OWNER_DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private final Path path;
  private final Path nursery;
  private final FileChannel lockChannel;
  private @Nullable Object boundKey;

  private SocketFile(Path path, Path nursery, FileChannel lockChannel) {
    this.path = path;
    this.nursery = nursery;
    this.lockChannel = lockChannel;
  }

  /**
   * Takes the path; its directory is created with mode 0700 if it does not exist.
   *
   * @throws AdminServerException if another process has it, or it cannot be had, with how to mend
   *     it
   */
  static SocketFile claim(Path socket) {
    Path path = socket.toAbsolutePath();
    Path directory = path.getParent();
    if (directory == null || path.getFileName() == null) {
      throw new AdminServerException(
          "the admin socket "
              + path
              + " is no file name; write one such as /run/ip-sentry/admin.sock");
    }
    Path nursery = directory.resolve("." + path.getFileName() + ".d");
    int length = nursery.resolve("s").toString().getBytes(StandardCharsets.UTF_8).length;
    if (length > MAX_PATH_BYTES) {
      throw new AdminServerException(
          "the path of the admin socket "
              + path
              + " is too long; choose one of at most "
              + (MAX_PATH_BYTES - 5)
              + " bytes");
    }
    FileChannel lock = lock(path, directory);
    try {
      SocketFile file = new SocketFile(path, nursery, lock);
      file.checkReplaceable();
      return file;
    } catch (AdminServerException e) {
      closeQuietly(lock, e);
      throw e;
    }
  }

  private static FileChannel lock(Path path, Path directory) {
    try {
      Files.createDirectories(directory, OWNER_DIRECTORY);
      Path lockFile = directory.resolve(path.getFileName() + ".lock");
      FileChannel channel =
          FileChannel.open(
              lockFile, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), OWNER_FILE);
      FileLock lock = tryLock(channel);
      if (lock == null) {
        channel.close();
        throw inUse(path);
      }
      return channel;
    } catch (AccessDeniedException e) {
      throw new AdminServerException(
          "no permission to create the admin socket "
              + path
              + "; run as a user who may write there, or set admin.socket in the configuration",
          e);
    } catch (IOException e) {
      throw new AdminServerException(
          "cannot create the admin socket "
              + path
              + ": "
              + e.getMessage()
              + "; set admin.socket in the configuration to a place that can be written",
          e);
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // Held by another server of this very process.
      return null;
    }
  }

  /** What is at the path must be a socket, and nobody may be listening on it. */
  private void checkReplaceable() {
    BasicFileAttributes there = attributes(path);
    if (there == null) {
      return;
    }
    if (!there.isOther()) {
      throw new AdminServerException(
          "the path of the admin socket "
              + path
              + " is taken by something that is no socket; remove it or choose another path");
    }
    try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      probe.connect(UnixDomainSocketAddress.of(path));
    } catch (IOException e) {
      // Refused: nobody listens, it is left over.
      return;
    }
    throw inUse(path);
  }

  /** Makes an empty private directory and returns the path in it to bind to. */
  Path pathToBind() throws IOException {
    removeNursery();
    Files.createDirectory(nursery, OWNER_DIRECTORY);
    return nursery.resolve("s");
  }

  /** Moves the socket that was bound to its place, in the stead of one left over. */
  void publish() throws IOException {
    Path bound = nursery.resolve("s");
    Files.setPosixFilePermissions(bound, PosixFilePermissions.fromString("rw-------"));
    try {
      Files.move(bound, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException("the file system cannot move a socket", e);
    }
    Files.delete(nursery);
    BasicFileAttributes there = attributes(path);
    boundKey = there == null ? null : there.fileKey();
  }

  /** Removes the socket, if it is still the one that was published, and lets go of the path. */
  @Override
  public void close() throws IOException {
    try (lockChannel) {
      removeNursery();
      BasicFileAttributes there = attributes(path);
      if (there != null && boundKey != null && boundKey.equals(there.fileKey())) {
        Files.deleteIfExists(path);
      }
    }
  }

  private void removeNursery() throws IOException {
    Files.deleteIfExists(nursery.resolve("s"));
    Files.deleteIfExists(nursery);
  }

  private static AdminServerException inUse(Path path) {
    return new AdminServerException(
        "another ip-sentry is running on the admin socket "
            + path
            + "; stop it, or set another admin.socket in the configuration");
  }

  private static @Nullable BasicFileAttributes attributes(Path path) {
    try {
      return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (IOException e) {
      return null;
    }
  }

  private static void closeQuietly(FileChannel channel, AdminServerException cause) {
    try {
      channel.close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }
}
