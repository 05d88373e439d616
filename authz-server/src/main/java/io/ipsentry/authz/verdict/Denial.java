package io.ipsentry.authz.verdict;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A refusal, rendered: what the client gets, and what the gateway may log.
 *
 * @param status HTTP status, 400 to 599
 * @param headers in their order; names in lower case, {@code x-ip-sentry: banned}, {@code
 *     x-ip-sentry-ban-id} and {@code content-type} among them
 * @param body UTF-8, may be empty
 * @param banId number of the ban's event; {@link #PENDING} while it is not in the log yet, and for
 *     a path that is blocked without a ban
 * @param rule rule that banned or blocked
 * @param until when the ban ends; null: never, or no ban
 * @param client the client's address, canonical
 * @param reason the pattern that was hit or a person's words; for logs, never sent to the client
 */
public record Denial(
    int status,
    List<Header> headers,
    String body,
    String banId,
    String rule,
    @Nullable Instant until,
    String client,
    String reason) {
  /** Ban id of a ban that is not in the log yet. */
  public static final String PENDING = "pending";

  public Denial {
    headers = List.copyOf(headers);
  }

  /** A header of the answer; it overwrites one of the same name. */
  public record Header(String name, String value) {}
}
