package io.ipsentry.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads configuration files.
 *
 * <p>Reading never throws for what stands in a file: it ends in a {@link ConfigResult} that holds
 * every mistake. Relative paths in a file start from the file's own directory. Safe for any thread.
 */
public final class ConfigLoader {
  private static final String SHIPPED = "shipped.yaml";

  private final @Nullable InstantSource clock;

  /** Reads without looking at the dates of certificates. */
  public ConfigLoader() {
    this(null);
  }

  /**
   * Warns of certificates that have expired or soon will.
   *
   * @param clock tells the time; null: their dates are not looked at
   */
  public ConfigLoader(@Nullable InstantSource clock) {
    this.clock = clock;
  }

  /** Reads a file and all that it names: packs, list files, tokens, certificates. */
  public ConfigResult load(Path file) {
    return loadTracked(file).result();
  }

  /**
   * Reads a configuration that does not stand in a file.
   *
   * @param name what messages call it
   * @param yaml UTF-8
   * @param directory what relative paths start from
   */
  public ConfigResult parse(String name, byte[] yaml, Path directory) {
    Problems problems = new Problems();
    return read(name, Optional.of(yaml), directory, problems, new InputFiles(problems)).result();
  }

  /**
   * Reads the sources of a configuration of elsewhere, and what they go by; the other keys may name
   * files that are not here, and are as if they were not written.
   *
   * @param name what messages call it
   * @param yaml UTF-8
   */
  public ConfigResult parseSources(String name, byte[] yaml) {
    Problems problems = new Problems();
    InputFiles files = new InputFiles(problems);
    Optional<Config> config =
        new ConfigReader(problems, files, Path.of("/"), clock)
            .readSources(name, yaml, () -> shipped().rules());
    return result(config, problems, files).result();
  }

  /**
   * A result with what it was made from.
   *
   * @param digests SHA-256 of each file's content by absolute path
   */
  record Loaded(ConfigResult result, Map<Path, String> digests) {
    Loaded {
      digests = Map.copyOf(digests);
    }
  }

  Loaded loadTracked(Path file) {
    Problems problems = new Problems();
    InputFiles files = new InputFiles(problems);
    Path absolute = file.toAbsolutePath();
    Optional<byte[]> yaml = files.read(file, YamlReader.MAX_BYTES, Place.file(file.toString()));
    Path directory = Optional.ofNullable(absolute.getParent()).orElse(absolute);
    return read(file.toString(), yaml, directory, problems, files);
  }

  private Loaded read(
      String name, Optional<byte[]> yaml, Path directory, Problems problems, InputFiles files) {
    Path start = directory.toAbsolutePath().normalize();
    Optional<Config> config =
        yaml.flatMap(bytes ->
            new ConfigReader(problems, files, start, clock)
                .read(name, bytes, () -> shipped().rules()));
    return result(config, problems, files);
  }

  private static Loaded result(Optional<Config> config, Problems problems, InputFiles files) {
    Map<Path, String> digests = new HashMap<>(files.digests());
    ConfigResult result =
        config.isPresent() && problems.errorCount() == 0
            ? new ConfigResult.Valid(config.get(), problems.warnings(), digests.keySet())
            : new ConfigResult.Invalid(problems.errors(), problems.warnings(), digests.keySet());
    return new Loaded(result, digests);
  }

  /** The configuration that is shipped, which is part of the program: a mistake in it is thrown. */
  static Config shipped() {
    Problems problems = new Problems();
    try (InputStream in = ConfigLoader.class.getResourceAsStream(SHIPPED)) {
      if (in == null) {
        throw new IllegalStateException("the shipped configuration is not on the class path");
      }
      ConfigReader reader =
          new ConfigReader(problems, new InputFiles(problems), Path.of("/"), null);
      Optional<Config> config = reader.read(SHIPPED, in.readAllBytes(), List::of);
      if (problems.errorCount() > 0) {
        throw new ConfigException(problems.errors());
      }
      return config.orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException("the shipped configuration cannot be read", e);
    }
  }
}
