package io.ipsentry.conformance.chart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.gatewayapi.v1beta1.ReferenceGrant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What {@code attach} makes of gateways' kinds. That a cluster takes it is looked at in {@code
 * ChartClusterIT}.
 */
final class ChartAttachTest {
  private static final RenderedChart CHART =
      HelmChart.render("ip-sentry", ValuesMatrix.ATTACHMENTS);

  private static GenericKubernetesResource one(String kind, String name) {
    return CHART.all(GenericKubernetesResource.class).stream()
        .filter(object -> object.getKind().equals(kind))
        .filter(object -> object.getMetadata().getName().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + kind + " " + name));
  }

  private static String snippet(GenericKubernetesResource object, String context) {
    List<Map<String, Object>> snippets = object.get("spec", "snippets");
    return snippets.stream()
        .filter(each -> context.equals(each.get("context")))
        .map(each -> String.valueOf(each.get("value")))
        .findFirst()
        .orElse("");
  }

  @Test
  void envoyGateway_saysTimeoutAndFailMode() {
    GenericKubernetesResource gateway = one("SecurityPolicy", "ip-sentry");
    assertThat(gateway.<Object>get("spec", "extAuth", "timeout")).isEqualTo("200ms");
    assertThat(gateway.<Object>get("spec", "extAuth", "failOpen")).isEqualTo(true);
    assertThat(gateway.<Object>get("spec", "mergeType")).isNull();
    assertThat(gateway.<Object>get("spec", "extAuth", "grpc", "backendRefs", 0, "port"))
        .isEqualTo(9001);
    assertThat(gateway.<Object>get("spec", "targetRefs", 1, "sectionName")).isEqualTo("https");

    GenericKubernetesResource route = one("SecurityPolicy", "shop");
    assertThat(route.<Object>get("spec", "extAuth", "failOpen")).isEqualTo(false);
    assertThat(route.<Object>get("spec", "extAuth", "timeout")).isEqualTo("1s");
    assertThat(route.<Object>get("spec", "mergeType")).isEqualTo("StrategicMerge");
    assertThat(route.<Object>get("spec", "extAuth", "contextExtensions", 0))
        .isEqualTo(Map.of("name", "policy", "type", "Value", "value", "shop"));
  }

  @Test
  void envoyGateway_accessLog_isOfTheFormatsAsked() {
    assertThat(
            one("EnvoyProxy", "ip-sentry")
                .<List<?>>get("spec", "telemetry", "accessLog", "settings"))
        .hasSize(2);
    assertThat(
            one("EnvoyProxy", "logs")
                .<Object>get(
                    "spec", "telemetry", "accessLog", "settings", 0, "sinks", 0, "als", "logName"))
        .isEqualTo("logs");
  }

  @Test
  void ngf_asksInTheServerAndFailsAsAsked() {
    GenericKubernetesResource gateway = one("SnippetsPolicy", "ip-sentry");
    String server = snippet(gateway, "http.server");
    assertThat(server)
        .contains("auth_request /_ip_sentry_ip_sentry;")
        .contains("proxy_set_header X-Real-IP $remote_addr;")
        .contains("proxy_intercept_errors on;")
        .contains("proxy_read_timeout 200ms;")
        .contains("error_page 500 502 503 504 =204 @ip_sentry_ip_sentry_open;");
    assertThat(snippet(gateway, "http.server.location")).isEmpty();

    GenericKubernetesResource route = one("SnippetsFilter", "shop");
    assertThat(snippet(route, "http.server"))
        .contains("proxy_pass http://ip_sentry_shop/policies/shop/forward-auth;")
        .contains("proxy_read_timeout 50ms;")
        .doesNotContain("error_page", "\nauth_request /");
    assertThat(snippet(route, "http.server.location")).contains("auth_request /_ip_sentry_shop;");
  }

  @Test
  void traefik_namesThePolicyInThePath() {
    assertThat(one("Middleware", "shop").<Object>get("spec", "forwardAuth", "address"))
        .isEqualTo(
            "http://ip-sentry-authz-server.ip-sentry.svc.cluster.local:9002/policies/shop/forward-auth");
  }

  @Test
  void grants_areForThoseOfOtherNamespaces() {
    ReferenceGrant grant = CHART.one(ReferenceGrant.class, "ip-sentry-attach");
    assertThat(grant.getMetadata().getNamespace()).isEqualTo("ip-sentry");
    assertThat(grant.getSpec().getFrom())
        .extracting(from -> from.getKind() + " of " + from.getNamespace())
        .containsExactlyInAnyOrder(
            "SecurityPolicy of envoy-gateway-system",
            "EnvoyProxy of envoy-gateway-system",
            "HTTPRoute of traefik");
    RenderedChart own =
        HelmChart.render(
            "infra",
            "attach: [{ type: envoy-gateway, namespace: infra, targetRefs: [{ name: public }] }]");
    assertThat(own.all(ReferenceGrant.class)).isEmpty();
  }

  @Test
  void whatNoObjectCanSay_isInAConfigMap() {
    assertThat(CHART.one(ConfigMap.class, "ip-sentry-attach").getData())
        .containsOnlyKeys(
            "istio-mesh-config.ip-sentry.yaml",
            "istio-mesh-config.sidecars.yaml",
            "httproute-filter.traefik.ip-sentry.yaml",
            "httproute-filter.traefik.web.yaml",
            "traefik-entrypoint.traefik.ip-sentry.yaml",
            "traefik-entrypoint.traefik.shop.yaml")
        .hasEntrySatisfying(
            "istio-mesh-config.sidecars.yaml",
            text -> assertThat(text).contains("failOpen: false").contains("timeout: 200ms"));
    assertThat(HelmChart.render("ip-sentry").find(ConfigMap.class, "ip-sentry-attach")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          { type: envoy, namespace: a }                                          | envoy-gateway
          { type: traefik }                                                      | namespace
          { type: traefik, namespace: a, failOpen: true }                        | knows only fail closed
          { type: external-auth, namespace: a, timeout: 1s }                     | cannot be told one
          { type: envoy-gateway, namespace: a }                                  | targetRefs
          { type: ngf, namespace: a, targetRefs: [{ name: b, sectionName: c }] } | whole Gateway
          { type: ngf, namespace: a, targetRefs: [{ name: b }], accessLog: als } | ngf knows json
          { type: traefik, namespace: a, targetRefs: [{ name: b }] }             | names none itself
          { type: traefik, namespace: a, route: true }                           | is for ngf
          { type: envoy-gateway, namespace: a, targetRefs: [{ name: b }, { kind: HTTPRoute, name: c }] } | mixes
          { type: traefik, namespace: a }, { type: traefik, namespace: a }       | another name
          """)
  void mistakes_areNamed(String attachment, String named) {
    assertThatThrownBy(() -> HelmChart.render("ip-sentry", "attach: [" + attachment + "]"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(named);
  }

  @Test
  void tls_isNotPassedOver() {
    assertThatThrownBy(() ->
            HelmChart.render(
                "ip-sentry",
                "attach: [{ type: traefik, namespace: a }]",
                "authzServer: { tls: { existingSecret: gateways } }"))
        .hasMessageContaining("without TLS");
  }
}
