package io.ipsentry.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** What came of reading a configuration. */
public sealed interface ConfigResult {
  /** Doubts that do not keep the configuration from being used, in the order of the file. */
  List<ConfigProblem> warnings();

  /**
   * Every file that the result depends on: the configuration, list files, packs given by path;
   * those that could not be read too.
   */
  Set<Path> files();

  /** A configuration that can be used. */
  record Valid(Config config, List<ConfigProblem> warnings, Set<Path> files)
      implements ConfigResult {
    public Valid {
      warnings = List.copyOf(warnings);
      files = Set.copyOf(files);
    }
  }

  /** A configuration that cannot be used; all its errors are listed, at least one. */
  record Invalid(List<ConfigProblem> errors, List<ConfigProblem> warnings, Set<Path> files)
      implements ConfigResult {
    public Invalid {
      errors = List.copyOf(errors);
      warnings = List.copyOf(warnings);
      files = Set.copyOf(files);
      if (errors.isEmpty()) {
        throw new IllegalArgumentException("an invalid configuration has at least one error");
      }
    }
  }

  /**
   * The configuration.
   *
   * @throws ConfigException if it is invalid
   */
  default Config orThrow() {
    return switch (this) {
      case Valid valid -> valid.config();
      case Invalid invalid -> throw new ConfigException(invalid.errors());
    };
  }
}
