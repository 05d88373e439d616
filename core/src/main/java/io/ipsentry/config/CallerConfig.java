package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import java.util.List;
import java.util.Optional;

/**
 * Callers whose requests may become hits: everything that is given must hold.
 *
 * @param networks source addresses of the gateway; empty: any
 * @param names DNS or URI names, one of which its client certificate has; empty: no certificate is
 *     asked for
 * @param token what it sends as {@code x-ip-sentry-token} (a header of the call, of gRPC metadata,
 *     or a context extension {@code token}); empty: none is asked for
 */
public record CallerConfig(PrefixSet networks, List<String> names, Optional<String> token) {
  /** A shorter token could be guessed. */
  public static final int MIN_TOKEN_LENGTH = 16;

  /** A longer token is a mistake. */
  public static final int MAX_TOKEN_LENGTH = 1_024;

  public CallerConfig {
    names = List.copyOf(names);
    if (networks.isEmpty() && names.isEmpty() && token.isEmpty()) {
      throw new IllegalArgumentException("a caller needs networks, names or a token");
    }
  }

  /** Leaves the token out. */
  @Override
  public String toString() {
    return "CallerConfig[networks=" + networks + ", names=" + names + ", token=…]";
  }
}
