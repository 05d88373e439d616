package io.ipsentry.testing.cluster;

import io.ipsentry.testing.Programs;
import io.ipsentry.testing.Uninterrupted;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A server as a process, such as one of the cluster, which a test may end, freeze and start again.
 *
 * <p>It never outlives this JVM, however that ends: a watchdog beside it reads from a pipe of ours
 * and kills the server when the pipe breaks. Safe for any thread; one method at a time, but for
 * {@link #log}.
 */
public final class ServerProcess {
  /** A start, and a stop by SIGTERM, must be over after this time. */
  static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final Duration POLL = Duration.ofMillis(20);
  private static final int MAX_LOG_SHOWN = 4_000;

  /**
   * The server takes the place of the shell, so that its process is ours. The watchdog kills it
   * only if it is still the watchdog's parent: its number may have been given to another by then.
   */
  private static final String WATCHED =
      """
      exec 3<&0 </dev/null
      (
        read -r _ <&3
        read -r _ _ _ parent _ </proc/self/stat
        [ "$parent" != $$ ] || kill -KILL $$
      ) &
      exec 3<&-
      exec "$@"
      """;

  private final String name;
  private final List<String> command;
  private final Path log;
  private final BooleanSupplier ready;
  private final Duration patience;
  private @Nullable Process process;

  /**
   * Starts nothing yet.
   *
   * @param log both outputs are appended to it
   * @param ready whether the server answers; called again and again while it starts
   */
  ServerProcess(String name, List<String> command, Path log, BooleanSupplier ready) {
    this(name, command, log, ready, PATIENCE);
  }

  /**
   * As the other one.
   *
   * @param patience in the place of {@link #PATIENCE}, for one that shares the machine with many
   *     that start at the same time
   */
  public ServerProcess(
      String name, List<String> command, Path log, BooleanSupplier ready, Duration patience) {
    this.patience = patience;
    this.name = name;
    this.command = List.copyOf(command);
    this.log = log;
    this.ready = ready;
  }

  /**
   * Starts it, with the same data and on the same port as before, and waits until it is ready.
   *
   * @throws IllegalStateException if it is running already; if it ends, or is not ready after
   *     {@link #PATIENCE} or what the maker said, with the end of what it wrote
   */
  public synchronized void start() {
    launch();
    awaitReady();
  }

  /** {@link #start} without waiting. */
  public synchronized void launch() {
    if (process != null && process.isAlive()) {
      throw new IllegalStateException(name + " is running");
    }
    List<String> watched = new ArrayList<>(List.of("sh", "-c", WATCHED, name));
    watched.addAll(command);
    try {
      process =
          new ProcessBuilder(watched)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + name, e);
    }
  }

  /**
   * Waits until it is ready, after {@link #launch} or {@link #thaw}.
   *
   * @throws IllegalStateException as {@link #start}
   */
  public synchronized void awaitReady() {
    await(ready, "ready");
  }

  /**
   * Ends it as an administrator does, by SIGTERM, and waits for the end.
   *
   * @throws IllegalStateException if it does not end in time; it is killed then
   */
  public synchronized void stop() {
    Process ending = running();
    ending.destroy();
    if (!awaitEnd(ending)) {
      ending.destroyForcibly();
      throw new IllegalStateException(name + " does not end: " + endOfLog());
    }
  }

  /** Ends it by SIGKILL, and waits for the end. */
  public synchronized void kill() {
    Process ending = running();
    ending.destroyForcibly();
    if (!awaitEnd(ending)) {
      throw new IllegalStateException(name + " outlives SIGKILL");
    }
  }

  /**
   * Stops it in its tracks (SIGSTOP), and waits until it stands: its connections stay open and
   * nothing is answered.
   */
  public synchronized void freeze() {
    signal("STOP");
    await(() -> status("State:").startsWith("T"), "frozen");
  }

  /** Lets a frozen one go on. */
  public synchronized void thaw() {
    signal("CONT");
  }

  /** Ends it by SIGKILL if it runs; for the end of all. */
  public synchronized void close() {
    if (process != null && process.isAlive()) {
      Uninterrupted.run(this::kill);
    }
  }

  /** Whether there is a process, frozen or not. */
  public synchronized boolean isRunning() {
    return process != null && process.isAlive();
  }

  /**
   * Number of the process.
   *
   * @throws IllegalStateException if it was never started
   */
  public synchronized long pid() {
    return running().pid();
  }

  /** Memory of the process that is resident now, in bytes. */
  public long residentBytes() {
    return 1024 * Long.parseLong(status("VmRSS:").replaceAll("\\D", ""));
  }

  /** What it has written so far, over all its starts. */
  public String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + log, e);
    }
  }

  /** A line of the process's status, without its name. */
  private String status(String name) {
    Path status = Path.of("/proc", Long.toString(pid()), "status");
    try {
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith(name)) {
          return line.substring(name.length()).strip();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + status, e);
    }
    throw new IllegalStateException(this.name + " has ended");
  }

  private void await(BooleanSupplier condition, String what) {
    long deadline = System.nanoTime() + patience.toNanos();
    Process awaited = running();
    while (!condition.getAsBoolean()) {
      if (!awaited.isAlive()) {
        throw new IllegalStateException(
            name + " ended with " + awaited.exitValue() + ": " + endOfLog());
      }
      if (System.nanoTime() - deadline > 0) {
        throw new IllegalStateException(
            name + " is not " + what + " after " + patience + ": " + endOfLog());
      }
      try {
        Thread.sleep(POLL);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for " + name, e);
      }
    }
  }

  private void signal(String signal) {
    String ignored = Programs.run("kill", "-" + signal, Long.toString(pid()));
  }

  private Process running() {
    if (process == null) {
      throw new IllegalStateException(name + " was not started");
    }
    return process;
  }

  private boolean awaitEnd(Process process) {
    try {
      return process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a process ends", e);
    }
  }

  private String endOfLog() {
    String text = log();
    return text.substring(Math.max(0, text.length() - MAX_LOG_SHOWN));
  }
}
