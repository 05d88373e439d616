package io.ipsentry.testing.traffic;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * One request as a gateway saw it, with what is known about it because it was made up.
 *
 * @param at whole seconds, because nginx logs no finer
 * @param address of the client, canonical text
 * @param method upper case
 * @param host as the client named it
 * @param target request target with its query, as sent
 * @param status the client got
 * @param bytes of the answer's body
 * @param userAgent may hold any character
 * @param probe the expression of the pack {@code default} that the target is meant to hit; null:
 *     none
 */
public record SampleRequest(
    Instant at,
    String address,
    String method,
    String host,
    String target,
    int status,
    int bytes,
    String userAgent,
    @Nullable String probe) {

  public SampleRequest {
    if (!at.equals(at.truncatedTo(ChronoUnit.SECONDS))) {
      throw new IllegalArgumentException("a request happens at a whole second, not at " + at);
    }
  }
}
