package io.ipsentry.banlog;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/**
 * Says that one process counts the hits of a ban log's sources and stores their positions; a second
 * one would count every hit again and write over the positions of the first.
 *
 * <p>It is a lock of the operating system (fcntl) on a file beside the ban log, {@code
 * ip-sentry.db-run}, which the kernel drops when the process ends, however it ends. The file stays;
 * it holds the number of the process, for people. Processes that only append to or read the ban log
 * do not take it.
 *
 * <p>Not the ban log itself is locked: SQLite has locks of its own there, and closing any second
 * descriptor of a file drops all of a process's fcntl locks on it.
 */
public final class RunLock implements AutoCloseable {
  private static final int MAX_OWNER_BYTES = 32;

  private final FileChannel channel;

  private RunLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock, or refuses at once.
   *
   * @param banLog file of the ban log, which exists; another name of the same file is the same lock
   * @throws BanLogException if another process holds it, or there can be no such file
   */
  public static RunLock take(Path banLog) {
    Path file = null;
    FileChannel channel = null;
    boolean ready = false;
    try {
      Path real = banLog.toRealPath();
      file = real.resolveSibling(real.getFileName() + "-run");
      channel = open(file);
      FileLock lock = tryLock(channel);
      if (lock == null) {
        throw taken(banLog, owner(channel));
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.UTF_8)));
      ready = true;
      return new RunLock(channel);
    } catch (IOException e) {
      throw BanLogException.permanent(
          "cannot lock "
              + (file == null ? banLog : file)
              + "; its directory must be writable for this user, on a local disk",
          e);
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
        return FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
      }
    }
    return FileChannel.open(
        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // This very process holds it.
      return null;
    }
  }

  /** The process that wrote itself down; empty if that cannot be made out. */
  private static String owner(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(MAX_OWNER_BYTES);
    channel.read(bytes, 0);
    String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8).strip();
    return text.matches("[0-9]+") ? text : "";
  }

  private static BanLogException taken(Path banLog, String owner) {
    return BanLogException.permanent(
        "another ip-sentry run"
            + (owner.isEmpty() ? "" : " (process " + owner + ")")
            + " works on the ban log "
            + banLog
            + "; stop that one, or give this one a store.path of its own");
  }

  private static void closeQuietly(@Nullable FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      // Nothing was written through it.
      return;
    }
  }

  /** Gives the lock back. A second call does nothing. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw BanLogException.transientFailure("cannot close the lock of the ban log", e);
    }
  }
}
