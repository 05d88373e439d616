package io.ipsentry.cli;

import org.slf4j.bridge.SLF4JBridgeHandler;

/** Takes what gRPC says through {@code java.util.logging} to where all logging goes. */
final class GrpcLogging {
  private GrpcLogging() {}

  /** Does so for this process; a second call does nothing. */
  static void install() {
    if (!SLF4JBridgeHandler.isInstalled()) {
      SLF4JBridgeHandler.removeHandlersForRootLogger();
      SLF4JBridgeHandler.install();
    }
  }
}
