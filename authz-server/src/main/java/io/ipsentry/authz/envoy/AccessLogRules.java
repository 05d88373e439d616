package io.ipsentry.authz.envoy;

import io.ipsentry.rule.RuleSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What access-log entries are judged by. Immutable; a new configuration makes a new one.
 *
 * @param rules all rules; those that judge log lines take part
 * @param sources what is taken; entries of other logs are ignored
 */
public record AccessLogRules(RuleSet rules, List<AccessLogSource> sources) {
  /** No source: every entry is ignored. */
  public static final AccessLogRules NONE =
      new AccessLogRules(RuleSet.compile(List.of()), List.of());

  public AccessLogRules {
    sources = List.copyOf(sources);
  }

  /** The source of a log; null: none takes it. */
  @Nullable AccessLogSource source(String logName) {
    AccessLogSource fallback = null;
    for (AccessLogSource source : sources) {
      if (source.logNames().contains(logName)) {
        return source;
      }
      if (source.logNames().isEmpty() && fallback == null) {
        fallback = source;
      }
    }
    return fallback;
  }
}
