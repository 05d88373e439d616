package io.ipsentry.cli.demo;

import io.ipsentry.cli.demo.DemoClient.Gateway;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An application, nginx before it, and {@code ip-sentry run}, all on loopback and in one temporary
 * directory, which {@link #close} takes away with them. Clients stand behind a load balancer that
 * nginx trusts (127.0.0.1, the demonstration itself), so that they have addresses that can be
 * banned. Needs no privilege. Safe for any thread.
 */
public final class DemoStage implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration INTERVAL = Duration.ofMillis(20);
  private static final long GRACE_SECONDS = 10;

  private final Path directory;
  private final int logPort;
  private final int inlinePort;
  private @Nullable Process nginx;
  private @Nullable Process ipSentry;
  private boolean closed;

  private DemoStage(Path directory, int logPort, int inlinePort) {
    this.directory = directory;
    this.logPort = logPort;
    this.inlinePort = inlinePort;
  }

  /**
   * Builds it, and waits until all answer.
   *
   * @param nginx the program
   * @param ipSentry the command line of {@code ip-sentry}, to which {@code run …} is added
   * @throws DemoException if something does not start
   */
  public static DemoStage build(Path nginx, List<String> ipSentry) throws IOException {
    // Short: the path of a Unix socket has 107 bytes at most.
    Path directory = Files.createTempDirectory(Path.of("/tmp"), "ip-sentry-demo.");
    List<Integer> ports = freePorts(4);
    DemoStage stage = new DemoStage(directory, ports.get(0), ports.get(1));
    try {
      stage.start(nginx, ipSentry, ports.get(2), ports.get(3));
      return stage;
    } catch (IOException | DemoException e) {
      stage.close();
      throw e;
    }
  }

  /** Finds {@code nginx} on the path, and where Debian has it, which is on no user's path. */
  public static Optional<Path> findNginx(String searchPath) {
    List<String> places = new ArrayList<>(List.of(searchPath.split(":")));
    places.addAll(List.of("/usr/sbin", "/usr/local/sbin"));
    return places.stream()
        .filter(place -> !place.isEmpty())
        .map(place -> Path.of(place, "nginx"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private synchronized void start(Path program, List<String> command, int authz, int application)
      throws IOException {
    Path config = directory.resolve("ip-sentry.yaml");
    Files.writeString(config, DemoConfigs.ipSentry(directory, authz));
    Files.createFile(directory.resolve("access.log"));
    Files.writeString(
        directory.resolve("nginx.conf"),
        DemoConfigs.nginx(directory, logPort, inlinePort, authz, application));
    List<String> run = new ArrayList<>(command);
    run.addAll(List.of("run", "--config", config.toString()));
    ipSentry = started("ip-sentry", run);
    nginx =
        started(
            "nginx",
            List.of(
                program.toString(),
                "-p",
                directory.toString(),
                "-c",
                directory.resolve("nginx.conf").toString(),
                "-e",
                directory.resolve("nginx.log").toString()));
    awaitListening("nginx", nginx, logPort);
    awaitListening("ip-sentry", ipSentry, authz);
  }

  private Process started(String name, List<String> command) throws IOException {
    return new ProcessBuilder(command)
        .directory(directory.toFile())
        .redirectErrorStream(true)
        .redirectOutput(directory.resolve(name + ".log").toFile())
        .start();
  }

  private void awaitListening(String name, Process process, int port) throws IOException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!listens(port)) {
      boolean ended;
      try {
        ended = process.waitFor(INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new DemoException("interrupted while " + name + " was started", e);
      }
      if (ended || System.nanoTime() - end > 0) {
        String said = Files.readString(directory.resolve(name + ".log"));
        throw new DemoException(
            name + (ended ? " ended at its start" : " does not answer") + "; it said:\n" + said);
      }
    }
  }

  private static boolean listens(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
      return true;
    } catch (IOException e) {
      // Not yet.
      return false;
    }
  }

  /** Asked one by one while all are held, so that they differ. */
  private static List<Integer> freePorts(int count) throws IOException {
    List<ServerSocket> held = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        held.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
      }
      return held.stream().map(ServerSocket::getLocalPort).toList();
    } finally {
      for (ServerSocket socket : held) {
        socket.close();
      }
    }
  }

  /** Where a client's request goes. */
  public URI uri(Gateway gateway, String path) {
    return URI.create("http://127.0.0.1:" + (gateway == Gateway.LOG ? logPort : inlinePort) + path);
  }

  /** The admin socket of its ip-sentry. */
  public Path adminSocket() {
    return directory.resolve("admin.sock");
  }

  /** What is removed at the end. */
  public Path directory() {
    return directory;
  }

  /** Ends both processes and removes the directory. A second call does nothing. */
  @Override
  public synchronized void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    end(nginx);
    end(ipSentry);
    DemoDirectory.remove(directory);
  }

  private static void end(@Nullable Process process) {
    if (process == null) {
      return;
    }
    process.destroy();
    try {
      if (!process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
