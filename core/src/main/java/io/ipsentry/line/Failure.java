package io.ipsentry.line;

import java.util.Map;

/**
 * What a filter found in a line.
 *
 * @param expression that matched, as it is written
 * @param isIgnored true: it says that the line does not count
 * @param values of its named groups, for people
 */
public record Failure(String expression, boolean isIgnored, Map<String, String> values) {
  public Failure {
    values = Map.copyOf(values);
  }
}
