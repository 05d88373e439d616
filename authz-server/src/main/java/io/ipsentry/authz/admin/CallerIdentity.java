package io.ipsentry.authz.admin;

import io.grpc.Metadata;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Who makes the call at hand, as far as it was recognised. */
public final class CallerIdentity {
  /**
   * On whose behalf a replica calls: {@link #current} there, in UTF-8; no bytes for its Unix
   * socket. Whoever sends it is never passed on again, and is believed if it may.
   */
  static final Metadata.Key<byte[]> ON_BEHALF_OF =
      Metadata.Key.of("x-ip-sentry-on-behalf-of-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private CallerIdentity() {}

  /** Empty on the Unix socket, where callers are believed. For the thread of the call. */
  public static Optional<String> current() {
    Caller caller = Caller.CURRENT.get();
    return caller == null ? Optional.empty() : caller.identity();
  }

  /** Whether another replica has passed on the call at hand. For the thread of the call. */
  public static boolean isForwarded() {
    Caller caller = Caller.CURRENT.get();
    return caller != null && caller.forwarded();
  }

  /** What a call made for the one at hand is to have in its headers. */
  public static Metadata onBehalfOfCaller() {
    Metadata headers = new Metadata();
    headers.put(ON_BEHALF_OF, current().orElse("").getBytes(StandardCharsets.UTF_8));
    return headers;
  }
}
