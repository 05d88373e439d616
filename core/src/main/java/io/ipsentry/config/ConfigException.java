package io.ipsentry.config;

import java.util.List;
import java.util.stream.Collectors;

/** A configuration that cannot be used; the message lists every error, one a line. */
public final class ConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient List<ConfigProblem> errors;

  ConfigException(List<ConfigProblem> errors) {
    super(
        "the configuration is invalid:\n"
            + errors.stream().map(ConfigProblem::toString).collect(Collectors.joining("\n")));
    this.errors = List.copyOf(errors);
  }

  /** Every error, in the order of the file. */
  public List<ConfigProblem> errors() {
    return errors;
  }
}
