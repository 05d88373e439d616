package io.ipsentry.conformance.image;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Podman, apart from that of the machine: its images lie in the cache of the user, so that the base
 * is made once, and its settings are those that also a sandbox bears (no systemd, a limit of open
 * files that may not be raised, cgroups of either version).
 */
final class Podman {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  /** Building takes the longest: two archives of classes, each one JVM's work. */
  private static final int MAX_SECONDS = 400;

  /** Of files and of processes: podman itself lowers the latter to 32,768 where it builds. */
  private static final long MOST = 20_000;

  private final Path settings;

  /**
   * Writes its settings.
   *
   * @param directory an empty one
   */
  Podman(Path directory) {
    settings = directory;
    Path cache =
        Path.of(System.getProperty("user.home"), ".cache", "ip-sentry", "image").toAbsolutePath();
    try {
      long files = hardLimit("Max open files");
      Files.writeString(
          directory.resolve("containers.conf"),
          """
          [containers]
          default_ulimits = ["nofile=%1$d:%1$d", "nproc=%2$d:%2$d"]
          [engine]
          cgroup_manager = "cgroupfs"
          events_logger = "none"
          runtime = "runc"
          """
              .formatted(files, hardLimit("Max processes")));
      Files.writeString(
          directory.resolve("storage.conf"),
          """
          [storage]
          driver = "overlay"
          graphroot = "%1$s/images"
          runroot = "%1$s/run"
          """
              .formatted(cache));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write settings", e);
    }
  }

  private static long hardLimit(String name) throws IOException {
    String line =
        Files.readAllLines(Path.of("/proc/self/limits")).stream()
            .filter(each -> each.startsWith(name))
            .findFirst()
            .orElseThrow();
    String hard = line.substring(name.length()).strip().split(" +")[1];
    return hard.equals("unlimited") ? MOST : Math.min(Long.parseLong(hard), MOST);
  }

  /** {@code podman} with these arguments, to its end: what it wrote on standard output. */
  String run(String... arguments) {
    List<String> command = new ArrayList<>(List.of("podman"));
    command.addAll(Arrays.asList(arguments));
    return output(command, Map.of());
  }

  /** A script of this checkout that calls podman, to its end: what it wrote on standard output. */
  String script(String path, Map<String, String> environment, String... arguments) {
    List<String> command = new ArrayList<>(List.of(ROOT.resolve(path).toString()));
    command.addAll(Arrays.asList(arguments));
    return output(command, environment);
  }

  /** Starts {@code podman} and does not wait; both outputs go to a file. */
  Process start(Path log, List<String> arguments) {
    List<String> command = new ArrayList<>(List.of("podman"));
    command.addAll(arguments);
    try {
      return builder(command, Map.of())
          .redirectErrorStream(true)
          .redirectOutput(log.toFile())
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + command, e);
    }
  }

  private ProcessBuilder builder(List<String> command, Map<String, String> more) {
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectInput(Path.of("/dev/null").toFile());
    Map<String, String> environment = builder.environment();
    environment.put("CONTAINERS_CONF", settings.resolve("containers.conf").toString());
    environment.put("CONTAINERS_STORAGE_CONF", settings.resolve("storage.conf").toString());
    environment.putAll(more);
    return builder;
  }

  private String output(List<String> command, Map<String, String> environment) {
    try {
      Path out = Files.createTempFile(settings, "podman", ".out");
      Path err = Files.createTempFile(settings, "podman", ".err");
      Process process =
          builder(command, environment)
              .redirectOutput(out.toFile())
              .redirectError(err.toFile())
              .start();
      if (!process.waitFor(MAX_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(command + " did not end: " + Files.readString(err));
      }
      String text = Files.readString(out, StandardCharsets.UTF_8);
      if (process.exitValue() != 0) {
        throw new AssertionError(
            command + " ended with " + process.exitValue() + ": " + text + Files.readString(err));
      }
      return text;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + command, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while running " + command, e);
    }
  }
}
