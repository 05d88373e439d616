package io.ipsentry.watcher.logging;

import io.ipsentry.watcher.logging.JsonLogging.Verbosity;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A program for {@link JsonLoggingTest} that logs as its first argument says. */
final class LoggingProgram {
  private LoggingProgram() {}

  /** {@code plain} or {@code json}. */
  public static void main(String[] arguments) {
    if (arguments[0].equals("json")) {
      JsonLogging.start(Verbosity.INFO);
    }
    Logger logger = LoggerFactory.getLogger("io.ipsentry.Sample");
    logger.atDebug().log("not shown");
    logger.atInfo().addKeyValue("lines", 12).addKeyValue("follow", true).log("source opened");
    logger
        .atWarn()
        .addKeyValue("file", "a \"b\"\n\u0001\ud800c")
        .addKeyValue("level", 3L)
        .addKeyValue("none", (Object) null)
        .setCause(new IllegalStateException("disk full"))
        .log("cannot append");
    logger.atError().addKeyValue("long", "x".repeat(10_000)).log("too long");
  }
}
