package io.ipsentry.conformance.gateway;

import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * The real nginx, serving an empty directory and logging {@code combined} to {@code access.log}.
 */
public final class Nginx implements AutoCloseable {
  private final Path directory;
  private final Process process;
  private int rotations;

  private Nginx(Path directory, Process process) {
    this.directory = directory;
    this.process = process;
  }

  /**
   * Starts it.
   *
   * @param wrapper puts another command in front
   * @param listen {@code address:port} of each server
   * @param extra lines for the {@code http} block
   */
  public static Nginx start(
      UnaryOperator<List<String>> wrapper, Path directory, List<String> listen, String extra)
      throws IOException {
    Files.createDirectories(directory.resolve("html"));
    Files.writeString(directory.resolve("html/index.html"), "hello\n");
    StringBuilder listens = new StringBuilder();
    listen.forEach(address -> listens.append("listen ").append(address).append(";\n"));
    Path config =
        Files.writeString(
            directory.resolve("nginx.conf"),
            """
            daemon off;
            user root;
            worker_processes 1;
            pid %1$s/nginx.pid;
            error_log %1$s/error.log;
            events { worker_connections 1024; }
            http {
              access_log %1$s/access.log combined;
              client_body_temp_path %1$s/body;
              proxy_temp_path %1$s/proxy;
              fastcgi_temp_path %1$s/fastcgi;
              uwsgi_temp_path %1$s/uwsgi;
              scgi_temp_path %1$s/scgi;
              %2$s
              server {
                %3$s
                root %1$s/html;
              }
            }
            """
                .formatted(directory, extra, listens));
    Process process =
        new ProcessBuilder(
                wrapper.apply(
                    List.of(
                        Programs.path("nginx").toString(),
                        "-p",
                        directory.toString(),
                        "-c",
                        config.toString())))
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("nginx.out").toFile())
            .start();
    Nginx nginx = new Nginx(directory, process);
    await("nginx")
        .atMost(RunningIpSentry.PATIENCE)
        .until(() -> Files.exists(nginx.accessLog()) && Files.exists(nginx.pidFile()));
    return nginx;
  }

  public Path accessLog() {
    return directory.resolve("access.log");
  }

  /** Waits until somebody can connect. */
  static void awaitListening(InetSocketAddress address) {
    await("nginx listens")
        .atMost(RunningIpSentry.PATIENCE)
        .ignoreExceptions()
        .until(() -> {
          try (Socket socket = new Socket()) {
            socket.connect(address, 1_000);
            return true;
          }
        });
  }

  /** Renames the log, as logrotate's first step; nginx goes on writing to it. */
  void renameLog() throws IOException {
    rotations++;
    for (int i = rotations; i > 1; i--) {
      Files.move(rotated(i - 1), rotated(i), StandardCopyOption.ATOMIC_MOVE);
    }
    Files.move(accessLog(), rotated(1), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Makes it open its log anew (signal USR1), and waits until the new file is there. */
  void reopenLog() throws IOException {
    Programs.run("kill", "-USR1", Files.readString(pidFile()).strip());
    await("new access.log").atMost(RunningIpSentry.PATIENCE).until(() -> Files.exists(accessLog()));
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Path pidFile() {
    return directory.resolve("nginx.pid");
  }

  private Path rotated(int number) {
    return directory.resolve("access.log." + number);
  }
}
