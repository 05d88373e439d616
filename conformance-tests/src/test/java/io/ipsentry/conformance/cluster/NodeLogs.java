package io.ipsentry.conformance.cluster;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;

/**
 * The logs of a container's pods on one node, as a kubelet keeps them: {@code pods/…/0.log} in the
 * form of the CRI, a link in {@code containers}, and rotation, in which what is older than the last
 * is compressed.
 */
final class NodeLogs {
  private static final DateTimeFormatter ROTATED =
      DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT).withZone(ZoneOffset.UTC);

  private final Path log;
  private final List<Path> rotated = new ArrayList<>();

  /** Rotated files are named by the second, and here they come faster. */
  private Instant rotation = Instant.parse("2026-11-26T10:00:00Z");

  private NodeLogs(Path log) {
    this.log = log;
  }

  /** A container that has written nothing. */
  static NodeLogs create(Path node, String pod) throws IOException {
    Path directory =
        Files.createDirectories(
            node.resolve("pods").resolve("shop_" + pod + "_0b1c2d3e").resolve("nginx"));
    Path log = Files.createFile(directory.resolve("0.log"));
    Path link =
        Files.createDirectories(node.resolve("containers"))
            .resolve(pod + "_shop_nginx-" + "0".repeat(64) + ".log");
    Path ignored = Files.createSymbolicLink(link, log);
    return new NodeLogs(log);
  }

  /** What a source names to read the containers of a node. */
  static String glob(Path node) {
    return node.resolve("containers") + "/*_shop_nginx-*.log";
  }

  /** Writes a line of the container; returns it as it stands in the file. */
  String write(String line) throws IOException {
    String whole = Instant.now() + " stdout F " + line + "\n";
    Files.writeString(log, whole, StandardCharsets.UTF_8, StandardOpenOption.APPEND);
    return whole;
  }

  /** Goes on in a new file, as the kubelet has the runtime do. */
  void rotate() throws IOException {
    rotation = rotation.plusSeconds(1);
    for (Path plain : rotated) {
      try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(Path.of(plain + ".gz")))) {
        out.write(Files.readAllBytes(plain));
      }
      Files.delete(plain);
    }
    rotated.clear();
    rotated.add(Files.move(log, Path.of(log + "." + ROTATED.format(rotation))));
    Path ignored = Files.createFile(log);
  }
}
