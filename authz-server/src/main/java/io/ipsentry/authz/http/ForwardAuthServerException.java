package io.ipsentry.authz.http;

import java.io.Serial;

/** The HTTP server for gateways could not be started; the message says why and what to change. */
public final class ForwardAuthServerException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  ForwardAuthServerException(String message, Throwable cause) {
    super(message, cause);
  }
}
