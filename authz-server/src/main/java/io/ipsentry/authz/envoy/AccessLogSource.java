package io.ipsentry.authz.envoy;

import io.ipsentry.line.ClientAddressResolver;
import java.util.List;

/**
 * A source whose entries come over the access-log service.
 *
 * @param name as rules name it
 * @param logNames Envoy's {@code log_name}s that are this source; empty: those that no other names
 * @param client which address of an entry is the client
 */
public record AccessLogSource(
    String name, List<String> logNames, ClientAddressResolver.Settings client) {
  public AccessLogSource {
    logNames = List.copyOf(logNames);
  }
}
