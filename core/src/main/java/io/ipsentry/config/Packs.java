package io.ipsentry.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The packs that are shipped, read from the class path when asked for. Safe for any thread. */
public final class Packs {
  private static final String FOLDER = "/io/ipsentry/packs/";

  /** Names that packs had before, with those they have now. */
  private static final Map<String, String> RENAMED =
      Map.of("iot", "iot-router", "sql-injection", "injection");

  private Packs() {}

  /** The name that a pack has now, of one that it had before. */
  public static Optional<String> renamed(String name) {
    return Optional.ofNullable(RENAMED.get(name));
  }

  /** The names of the shipped packs, in the order in which they are shown. */
  public static List<String> names() {
    return resource("packs.list")
        .map(bytes -> new String(bytes, StandardCharsets.UTF_8).lines().toList())
        .orElseThrow(() -> new IllegalStateException("the packs are not on the class path"));
  }

  /** A shipped pack; empty when there is none of this name. */
  public static Optional<Pack> find(String name) {
    if (!names().contains(name)) {
      return Optional.empty();
    }
    Problems problems = new Problems();
    String file = name + ".yaml";
    byte[] yaml =
        resource(file).orElseThrow(() -> new IllegalStateException("packs.list names no pack"));
    Optional<Pack> pack = new PackReader(problems).read(file, yaml);
    if (pack.isEmpty()) {
      throw new ConfigException(problems.errors());
    }
    return pack;
  }

  private static Optional<byte[]> resource(String name) {
    try (InputStream in = Packs.class.getResourceAsStream(FOLDER + name)) {
      return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("a shipped pack cannot be read", e);
    }
  }
}
