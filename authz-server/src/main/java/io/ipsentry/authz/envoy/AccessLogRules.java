package io.ipsentry.authz.envoy;

import io.ipsentry.config.SourceConfig;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.rule.RuleSet;
import java.util.ArrayList;
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

  /**
   * What a configuration says of them.
   *
   * @param rules its rules, compiled
   * @param sources all of its sources; those of other kinds are passed over
   */
  public static AccessLogRules of(RuleSet rules, List<SourceConfig> sources) {
    List<AccessLogSource> taken = new ArrayList<>();
    for (SourceConfig source : sources) {
      if (source.input() instanceof SourceConfig.Input.AccessLogService service) {
        taken.add(new AccessLogSource(source.name(), service.logNames(), client(source)));
      }
    }
    return new AccessLogRules(rules, taken);
  }

  private static ClientAddressResolver.Settings client(SourceConfig source) {
    ClientAddressResolver.Mode mode =
        switch (source.client().from()) {
          case AUTO -> ClientAddressResolver.Mode.AUTO;
          case PEER -> ClientAddressResolver.Mode.PEER;
          case HEADER -> ClientAddressResolver.Mode.HEADER;
          case X_FORWARDED_FOR -> ClientAddressResolver.Mode.X_FORWARDED_FOR;
        };
    return new ClientAddressResolver.Settings(
        mode, source.trustedProxies().prefixes(), source.client().trustedHops(), source.seenAs());
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
