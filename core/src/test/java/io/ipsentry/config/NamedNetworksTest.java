package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What is known of a named network since the date of its list. */
final class NamedNetworksTest {
  private static final IpPrefix NEW_EDGE = IpPrefix.parse("203.0.113.7");

  private static final String YAML =
      """
      trustedProxies: [cloudflare, 192.0.2.1]
      sources:
        - { name: edge, file: /var/log/edge.log }
        - { name: own, file: /var/log/own.log, trustedProxies: [192.0.2.2] }
      authz:
        http: "127.0.0.1:9002"
        callers: [127.0.0.1]
        policies:
          own: { trustedProxies: [private] }
          shop: { trustedProxies: cloudflare }
      """;

  private static boolean trusts(TrustedProxies proxies, IpPrefix address) {
    return proxies.prefixes().covers(address);
  }

  @Test
  void withNetworks_trustedProxiesThatNameOne_haveItsPrefixesToo() {
    Config config =
        new ConfigLoader()
            .parse("test.yaml", YAML.getBytes(StandardCharsets.UTF_8), Path.of("/"))
            .orThrow();

    Config now = config.withNetworks(Map.of("cloudflare", PrefixSet.parse("203.0.113.0/28")));

    assertThat(trusts(config.trustedProxies(), NEW_EDGE)).isFalse();
    assertThat(trusts(now.trustedProxies(), NEW_EDGE)).isTrue();
    assertThat(trusts(now.trustedProxies(), IpPrefix.parse("192.0.2.1"))).isTrue();
    assertThat(trusts(now.trustedProxies(), IpPrefix.parse("104.16.1.1")))
        .as("the dated list holds too")
        .isTrue();
    assertThat(trusts(now.sources().get(0).trustedProxies(), NEW_EDGE)).isTrue();
    assertThat(now.sources().get(1)).as("names none").isEqualTo(config.sources().get(1));
    AuthzConfig authz = now.authz().orElseThrow();
    assertThat(trusts(authz.policy().trustedProxies(), NEW_EDGE)).isTrue();
    assertThat(authz.policies())
        .hasEntrySatisfying(
            "shop", shop -> assertThat(trusts(shop.trustedProxies(), NEW_EDGE)).isTrue())
        .containsEntry(
            "own", Objects.requireNonNull(config.authz().orElseThrow().policies().get("own")));
    assertThat(now.protectedPrefixes().covers(NEW_EDGE))
        .as("the feed protects, and is the reason that is told")
        .isFalse();
    assertThat(config.withNetworks(Map.of())).isSameAs(config);
    assertThat(config.withNetworks(Map.of("other", PrefixSet.parse("203.0.113.0/28"))))
        .isEqualTo(config);
  }
}
