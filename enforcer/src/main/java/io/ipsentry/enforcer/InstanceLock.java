package io.ipsentry.enforcer;

import io.ipsentry.banlog.ProcessLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Says that one process owns the sets and rules of a name in a network namespace; a second one
 * would remove as foreign what the first has put.
 *
 * <p>It is a lock of the operating system (fcntl) on {@code enforcer[-NAME]-NAMESPACE.lock}, which
 * the kernel drops when the process ends, however it ends. The file stays; it holds the number of
 * the process, for people. It only works between processes that see the same directory: containers
 * must mount that of the host.
 */
public final class InstanceLock implements AutoCloseable {
  /** Where the lock files lie. */
  public static final Path DIRECTORY = Path.of("/run/lock/ip-sentry");

  private final ProcessLock lock;

  private InstanceLock(ProcessLock lock) {
    this.lock = lock;
  }

  /**
   * Takes the lock, or refuses at once.
   *
   * @param directory is made if it is not there
   * @param name of the instance; may be empty
   * @param onHost whether the kernel's tables are those of process 1, not of this one
   * @throws InstanceLockException if another process holds it, or there can be no such file
   */
  public static InstanceLock take(Path directory, String name, boolean onHost) {
    String namespace = namespace(onHost ? "1" : "self");
    Path file =
        directory.resolve("enforcer-" + (name.isEmpty() ? "" : name + "-") + namespace + ".lock");
    try {
      Files.createDirectories(directory);
      return new InstanceLock(ProcessLock.take(file));
    } catch (ProcessLock.HeldException e) {
      throw taken(name, e.owner());
    } catch (IOException e) {
      throw new InstanceLockException(
          "cannot lock "
              + file
              + ": "
              + e
              + "; its directory must be writable for this user (in a container: mount the host's)",
          e);
    }
  }

  /** The number of a process's network namespace; {@code host} where that is not to be seen. */
  private static String namespace(String process) {
    try {
      String link = Files.readSymbolicLink(Path.of("/proc", process, "ns", "net")).toString();
      return link.replaceAll("[^0-9]", "");
    } catch (IOException | UnsupportedOperationException e) {
      return "host";
    }
  }

  private static InstanceLockException taken(String name, String owner) {
    return new InstanceLockException(
        "another ip-sentry"
            + (owner.isEmpty() ? "" : " (process " + owner + ")")
            + " enforces on this host "
            + (name.isEmpty() ? "without an enforcer.name" : "as enforcer.name " + name)
            + "; stop that one, or give this one an enforcer.name of its own",
        null);
  }

  /** Gives the lock back. A second call does nothing. */
  @Override
  public void close() {
    lock.close();
  }
}
