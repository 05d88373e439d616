package io.ipsentry.banlog;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/**
 * A lock of the operating system (fcntl) on a file, which the kernel drops when the process ends,
 * however it ends. The file stays; it holds the number of the process, for people. A symbolic link
 * is not followed: where others may write, it could lead to a file that is not to be overwritten.
 */
public final class ProcessLock implements AutoCloseable {
  private static final int MAX_OWNER_BYTES = 32;

  private final FileChannel channel;

  private ProcessLock(FileChannel channel) {
    this.channel = channel;
  }

  /** Another process, or this one, holds the lock. */
  public static final class HeldException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String owner;

    private HeldException(String owner) {
      super("held by process " + owner);
      this.owner = owner;
    }

    /** Number of the process; empty if that cannot be made out. */
    public String owner() {
      return owner;
    }
  }

  /**
   * Takes the lock, or refuses at once.
   *
   * @param file is made if it is not there, for this user only
   */
  public static ProcessLock take(Path file) throws IOException, HeldException {
    FileChannel channel = open(file);
    boolean ready = false;
    try {
      if (tryLock(channel) == null) {
        throw new HeldException(owner(channel));
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.UTF_8)));
      ready = true;
      return new ProcessLock(channel);
    } finally {
      if (!ready) {
        closeQuietly(channel);
      }
    }
  }

  private static FileChannel open(Path file) throws IOException {
    if (Files.getFileStore(file.resolveSibling(".")).supportsFileAttributeView("posix")) {
      FileAttribute<?> ownerOnly =
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
      try {
        Files.createFile(file, ownerOnly);
      } catch (FileAlreadyExistsException e) {
        // Of an earlier run.
        return FileChannel.open(
            file, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
      }
    }
    return FileChannel.open(
        file,
        StandardOpenOption.CREATE,
        StandardOpenOption.READ,
        StandardOpenOption.WRITE,
        LinkOption.NOFOLLOW_LINKS);
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // This very process holds it.
      return null;
    }
  }

  private static String owner(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(MAX_OWNER_BYTES);
    channel.read(bytes, 0);
    String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8).strip();
    return text.matches("[0-9]+") ? text : "";
  }

  private static void closeQuietly(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // Nothing was written through it that matters.
      return;
    }
  }

  /** Gives the lock back. A second call does nothing. */
  @Override
  public void close() {
    closeQuietly(channel);
  }
}
