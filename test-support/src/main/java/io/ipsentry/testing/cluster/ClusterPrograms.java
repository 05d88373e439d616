package io.ipsentry.testing.cluster;

import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The programs of a cluster's control plane, in one directory.
 *
 * @param directory has {@code etcd}, {@code kube-apiserver} and {@code kubectl}
 */
public record ClusterPrograms(Path directory) {
  /** Relative to the directory of any module, which is where tests run. */
  private static final Path BUILD = Path.of("..", "conformance-tests", "build-kubernetes.sh");

  /** Those that have been built, or that {@code KUBEBUILDER_ASSETS} names; builds nothing. */
  public static Optional<ClusterPrograms> find() {
    try {
      Process find =
          new ProcessBuilder("sh", BUILD.toString(), "--find")
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      String path =
          new String(find.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      if (!find.waitFor(Programs.MAX_RUN_SECONDS, TimeUnit.SECONDS) || find.exitValue() != 0) {
        return Optional.empty();
      }
      return Optional.of(new ClusterPrograms(Path.of(path)));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + BUILD, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while running " + BUILD, e);
    }
  }

  Path etcd() {
    return directory.resolve("etcd");
  }

  Path apiServer() {
    return directory.resolve("kube-apiserver");
  }

  Path kubectl() {
    return directory.resolve("kubectl");
  }
}
