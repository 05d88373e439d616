package io.ipsentry.testing;

import io.ipsentry.testing.cluster.ClusterPrograms;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * What the machine under the tests has.
 *
 * @param isRoot whether the tests run as the superuser
 * @param isCi whether a missing part is a failure
 * @param searchPath directories of programs
 * @param cluster looks for the programs of a cluster's control plane
 */
record Surroundings(
    boolean isRoot,
    boolean isCi,
    List<Path> searchPath,
    Supplier<Optional<ClusterPrograms>> cluster) {
  /** Directories that a plain user's PATH often lacks, and where systemd keeps its daemons. */
  private static final List<String> ADMINISTRATORS =
      List.of("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/systemd", "/lib/systemd");

  Surroundings {
    searchPath = List.copyOf(searchPath);
  }

  /** This process's. */
  static Surroundings real() {
    String path = System.getenv().getOrDefault("PATH", "/usr/bin:/bin");
    return new Surroundings(
        uid() == 0,
        "true".equals(System.getenv("CI")),
        Stream.concat(Arrays.stream(path.split(":")), ADMINISTRATORS.stream())
            .filter(directory -> !directory.isEmpty())
            .map(Path::of)
            .toList(),
        ClusterPrograms::find);
  }

  /** Path of an executable. */
  Optional<Path> program(String name) {
    return searchPath.stream()
        .map(directory -> directory.resolve(name))
        .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
        .findFirst();
  }

  private static int uid() {
    Path self = Path.of("/proc/self");
    if (!Files.exists(self)) {
      return -1;
    }
    try {
      return (Integer) Files.getAttribute(self, "unix:uid");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the owner of /proc/self", e);
    }
  }
}
