package io.ipsentry.authz.admin;

import java.util.Optional;

/** Who makes the call at hand, as far as it was recognised. */
public final class CallerIdentity {
  private CallerIdentity() {}

  /** Empty on the Unix socket, where callers are believed. For the thread of the call. */
  public static Optional<String> current() {
    return Optional.ofNullable(CallerCheck.IDENTITY.get());
  }
}
