package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.rule.RuleSet;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sources of a configuration that come over the access-log service. */
final class AccessLogRulesTest {
  @TempDir private Path directory;

  private AccessLogRules rules(String yaml) {
    ConfigResult result =
        new ConfigLoader().parse("test.yaml", yaml.getBytes(StandardCharsets.UTF_8), directory);
    assertThat(result).isInstanceOf(ConfigResult.Valid.class);
    Config config = ((ConfigResult.Valid) result).config();
    return AccessLogRules.of(RuleSet.compile(config.rules()), config.sources());
  }

  @Test
  void of_configuration_takesItsAccessLogSources() {
    AccessLogRules rules =
        rules(
            """
            sources:
            - { name: edge, als: [edge, edge-2], trustedProxies: 10.0.0.0/8 }
            - { name: others, als: true, client: { from: x-forwarded-for, trustedHops: 2 } }
            - { file: /var/log/nginx/access.log }
            authz: { listen: ":9001", callers: 10.0.0.1 }
            """);
    assertThat(rules.sources()).hasSize(2);
    AccessLogSource edge = rules.sources().getFirst();
    assertThat(rules.source("edge-2")).isEqualTo(edge);
    assertThat(edge.client().mode()).isEqualTo(ClientAddressResolver.Mode.AUTO);
    IpPrefix proxy = IpPrefix.parse("10.1.2.3");
    assertThat(edge.client().trustedProxies().contains(proxy.hi(), proxy.lo())).isTrue();
    AccessLogSource others = Objects.requireNonNull(rules.source("whatever"));
    assertThat(others.name()).isEqualTo("others");
    assertThat(others.client().trustedHops()).isEqualTo(2);
  }

  @Test
  void source_noneFor_isNull() {
    assertThat(AccessLogRules.NONE.source("edge")).isNull();
    AccessLogRules one =
        new AccessLogRules(
            RuleSet.compile(List.of()),
            List.of(
                new AccessLogSource(
                    "edge", List.of("edge"), ClientAddressResolver.Settings.DEFAULT)));
    assertThat(one.source("other")).isNull();
    assertThat(one.source("")).isNull();
  }
}
