package io.ipsentry.cli;

import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigProblem;
import io.ipsentry.config.ConfigResult;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes or refuses a configuration that was changed, counts it and says so. For any thread. */
final class ConfigReloads {
  private static final Logger logger = LoggerFactory.getLogger(ConfigReloads.class);

  private final AtomicLong taken = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();
  private volatile String problem = "";

  /** The configuration that is to be put in force; empty: the old one stays. */
  Optional<Config> take(ConfigResult result) {
    return switch (result) {
      case ConfigResult.Valid valid -> {
        taken.incrementAndGet();
        problem = "";
        for (ConfigProblem warning : valid.warnings()) {
          logger.atWarn().addKeyValue("problem", warning).log("configuration");
        }
        yield Optional.of(valid.config());
      }
      case ConfigResult.Invalid invalid -> {
        String errors =
            invalid.errors().stream()
                .map(ConfigProblem::toString)
                .collect(Collectors.joining("; "));
        refused.incrementAndGet();
        problem = errors;
        logger
            .atError()
            .addKeyValue("errors", errors)
            .log("the new configuration is invalid; the old one stays in force");
        yield Optional.empty();
      }
    };
  }

  /** Times a changed configuration was put in force. */
  long taken() {
    return taken.get();
  }

  /** Times a changed configuration was refused. */
  long refused() {
    return refused.get();
  }

  /** Why the file as it is now is not in force; empty: it is. */
  String problem() {
    return problem;
  }
}
