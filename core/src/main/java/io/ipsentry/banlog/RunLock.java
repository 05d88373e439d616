package io.ipsentry.banlog;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

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
  private final ProcessLock lock;

  private RunLock(ProcessLock lock) {
    this.lock = lock;
  }

  /**
   * Takes the lock, or refuses at once.
   *
   * @param banLog file of the ban log, which exists; another name of the same file is the same lock
   * @throws BanLogException if another process holds it, or there can be no such file
   */
  public static RunLock take(Path banLog) {
    return take(
        banLog,
        owner ->
            "another ip-sentry run"
                + owner
                + " works on the ban log "
                + banLog
                + "; stop that one, or give this one a store.path of its own");
  }

  /**
   * Takes the lock of an agent's checkpoints in the same way: a second agent would number other
   * hits as this one does.
   *
   * @param checkpoints file of the checkpoints, which exists
   * @throws BanLogException if another process holds it, or there can be no such file
   */
  public static RunLock takeForAgent(Path checkpoints) {
    return take(
        checkpoints,
        owner ->
            "another ip-sentry agent"
                + owner
                + " works with the checkpoints "
                + checkpoints
                + "; stop that one, or give this one a file of its own with --checkpoints");
  }

  private static RunLock take(Path of, UnaryOperator<String> taken) {
    Path file = of;
    try {
      Path real = of.toRealPath();
      file = real.resolveSibling(real.getFileName() + "-run");
      return new RunLock(ProcessLock.take(file));
    } catch (ProcessLock.HeldException e) {
      String owner = e.owner().isEmpty() ? "" : " (process " + e.owner() + ")";
      throw BanLogException.permanent(taken.apply(owner));
    } catch (IOException e) {
      throw BanLogException.permanent(
          "cannot lock " + file + "; its directory must be writable for this user, on a local disk",
          e);
    }
  }

  /** Gives the lock back. A second call does nothing. */
  @Override
  public void close() {
    lock.close();
  }
}
