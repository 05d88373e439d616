package io.ipsentry.watcher.logging;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.joran.spi.ConsoleTarget;

/** The one place where logging goes: standard error, unbuffered. */
final class StandardError {
  private StandardError() {}

  /** Makes all logging of {@code level} and above go through {@code encoder}, and nowhere else. */
  static void install(LoggerContext context, Encoder<ILoggingEvent> encoder, Level level) {
    encoder.setContext(context);
    encoder.start();
    ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
    appender.setContext(context);
    appender.setName("stderr");
    appender.setTarget(ConsoleTarget.SystemErr.getName());
    appender.setEncoder(encoder);
    appender.start();
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.detachAndStopAllAppenders();
    root.setLevel(level);
    root.addAppender(appender);
    // gRPC sets TCP options on Unix sockets too, and Netty warns of each.
    context.getLogger("io.netty.bootstrap").setLevel(Level.ERROR);
  }
}
