package io.ipsentry.config;

import java.nio.file.Path;

/**
 * Reads configuration files.
 *
 * <p>Reading never throws for what stands in a file: it ends in a {@link ConfigResult}. Safe for
 * any thread.
 */
public final class ConfigLoader {
  /** Reads a file and all that it names: packs and list files. */
  public ConfigResult load(Path file) {
    throw new UnsupportedOperationException("lands within the hour: " + file);
  }

  /**
   * Reads a configuration that does not stand in a file.
   *
   * @param name what messages call it
   * @param yaml UTF-8
   * @param directory what relative paths start from
   */
  public ConfigResult parse(String name, byte[] yaml, Path directory) {
    throw new UnsupportedOperationException("lands within the hour: " + name);
  }

  Config shipped() {
    throw new UnsupportedOperationException("lands within the hour");
  }
}
