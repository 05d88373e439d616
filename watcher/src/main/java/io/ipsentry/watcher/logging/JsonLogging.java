package io.ipsentry.watcher.logging;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import org.slf4j.ILoggerFactory;
import org.slf4j.LoggerFactory;

/**
 * The logging of long-running commands: one JSON object a line on standard error.
 *
 * <p>An entry has {@code time} (RFC 3339, UTC), {@code level}, {@code logger}, {@code thread}, the
 * constant {@code message}, each key-value of the event under its own name, and {@code error} with
 * the stack trace:
 *
 * <pre>{@code
 * {"time":"2026-11-21T07:00:00.123Z","level":"info","logger":"i.i.w.Pipeline","thread":"main","message":"banned","ip":"203.0.113.7"}
 * }</pre>
 */
public final class JsonLogging {
  private JsonLogging() {}

  /** How much is logged. */
  public enum Verbosity {
    /** Only what somebody should look at. */
    WARN(Level.WARN),
    /** What happened: starts, bans, reloads. */
    INFO(Level.INFO),
    /** What was decided and why; much. */
    DEBUG(Level.DEBUG);

    private final Level level;

    Verbosity(Level level) {
      this.level = level;
    }
  }

  /** Switches the process to JSON lines; may be called again with another verbosity. */
  public static void start(Verbosity verbosity) {
    ILoggerFactory factory = LoggerFactory.getILoggerFactory();
    if (factory instanceof LoggerContext context) {
      StandardError.install(context, new JsonLineEncoder(), verbosity.level);
    } else {
      throw new IllegalStateException(
          "logging needs logback-classic on the class path, but there is " + factory.getClass());
    }
  }
}
