package io.ipsentry.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a refused client gets. In {@code body} and header values {@code {ban_id}}, {@code {until}},
 * {@code {rule}} and {@code {client}} are replaced.
 *
 * @param status 400 to 599
 * @param contentType of the body
 * @param body may be empty
 * @param headers further ones, names in lower case, in the order of the file
 */
public record DenialConfig(
    int status, String contentType, String body, Map<String, String> headers) {
  /** Used when the configuration says nothing. */
  public static final DenialConfig DEFAULT =
      new DenialConfig(403, "text/plain; charset=utf-8", "Forbidden\n", Map.of());

  public DenialConfig {
    // Map.copyOf would lose the order.
    headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
  }
}
