package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a part measures with, and where it puts what it finds. Confined to the main thread.
 *
 * @param program how ip-sentry is started, without its command
 * @param root of the checkout
 * @param work where things lie that are made once: logs
 * @param scratch directory of this run alone, with a short name
 * @param only names of subjects; empty: all
 * @param maxRounds no part does more
 * @param isQuick whether to do as little as shows that it works
 */
record Bench(
    List<String> program,
    Path root,
    Path work,
    Path scratch,
    Set<String> only,
    boolean isQuick,
    int maxRounds,
    List<Raw> found) {

  /** Something to measure. */
  @FunctionalInterface
  interface Part {
    void measure(Bench bench) throws IOException, InterruptedException;
  }

  /** Begins the names of this process's namespaces. */
  static final String NAMESPACES = "bench" + ProcessHandle.current().pid() + "-";

  /** A network namespace that is removed at the latest when this process ends. */
  static NetworkNamespace namespace(String purpose) {
    return NetworkNamespace.create(NAMESPACES + purpose);
  }

  IpSentry ipSentry() {
    return new IpSentry(program);
  }

  /** The one or the other number, by how much is to be done. */
  int size(int whole, int quick) {
    return isQuick ? quick : whole;
  }

  /** How many rounds are done of so many. */
  int rounds(int whole) {
    return size(Math.min(whole, maxRounds), 1);
  }

  void add(Metric metric, String subject, int round, double value) {
    say("%s, round %d: %s %.5g %s".formatted(metric.id, round, subject, value, metric.unit));
    found.add(new Raw.Measured(metric.id, subject, round, value));
  }

  void absent(Metric metric, String subject, String reason) {
    say("%s: %s: %s".formatted(metric.id, subject, reason));
    found.add(new Raw.Absent(metric.id, subject, reason));
  }

  /** Why a subject is left out, or that it is not. */
  Optional<String> leftOut(String subject) {
    return only.isEmpty() || only.contains(subject)
        ? Optional.empty()
        : Optional.of("left out of this run");
  }

  /** Of these, the products that can be measured; for the others that they are absent is noted. */
  List<Product> present(List<Product> products, List<Metric> metrics) {
    List<Product> present = new ArrayList<>();
    for (Product product : products) {
      Optional<String> reason = leftOut(product.name()).or(product::absent);
      if (reason.isEmpty()) {
        present.add(product);
      } else {
        metrics.forEach(metric -> absent(metric, product.name(), reason.get()));
      }
    }
    return present;
  }

  void say(String what) {
    System.err.println("compare: " + what);
  }

  /** A directory of this name that is empty. */
  Path empty(String name) throws IOException {
    Path directory = scratch.resolve(name);
    delete(directory);
    return Files.createDirectories(directory);
  }

  static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** A copy of a directory, links as links. */
  static void copy(Path from, Path to) throws IOException {
    try (var files = Files.walk(from)) {
      files.forEach(file -> {
        try {
          Files.copy(
              file,
              to.resolve(from.relativize(file).toString()),
              LinkOption.NOFOLLOW_LINKS,
              StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
          throw new UncheckedIOException("cannot copy " + file, e);
        }
      });
    }
  }
}
