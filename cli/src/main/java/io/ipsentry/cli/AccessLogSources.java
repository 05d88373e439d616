package io.ipsentry.cli;

import io.ipsentry.authz.envoy.AccessLogRules;
import io.ipsentry.authz.envoy.AccessLogSource;
import io.ipsentry.config.ClientConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import java.util.List;
import java.util.stream.Stream;

/** The sources of a configuration that come over the access-log service. */
final class AccessLogSources {
  private AccessLogSources() {}

  /** What their entries are judged by. */
  static AccessLogRules rules(Config config) {
    List<AccessLogSource> sources =
        config.sources().stream().flatMap(AccessLogSources::source).toList();
    return sources.isEmpty()
        ? AccessLogRules.NONE
        : new AccessLogRules(
            RuleSet.compile(
                config.rules().stream().filter(rule -> rule.on() == Rule.On.LOG).toList()),
            sources);
  }

  private static Stream<AccessLogSource> source(SourceConfig source) {
    return source.input() instanceof SourceConfig.Input.AccessLogService service
        ? Stream.of(
            new AccessLogSource(
                source.name(),
                service.logNames(),
                new ClientAddressResolver.Settings(
                    mode(source.client().from()),
                    source.trustedProxies().prefixes(),
                    source.client().trustedHops(),
                    source.seenAs())))
        : Stream.empty();
  }

  private static ClientAddressResolver.Mode mode(ClientConfig.From from) {
    return switch (from) {
      case AUTO -> ClientAddressResolver.Mode.AUTO;
      case PEER -> ClientAddressResolver.Mode.PEER;
      case HEADER -> ClientAddressResolver.Mode.HEADER;
      case X_FORWARDED_FOR -> ClientAddressResolver.Mode.X_FORWARDED_FOR;
    };
  }
}
