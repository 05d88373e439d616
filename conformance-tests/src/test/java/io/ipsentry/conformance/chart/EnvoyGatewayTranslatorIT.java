package io.ipsentry.conformance.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What Envoy is told of the SecurityPolicy that {@code attach} makes, by Envoy Gateway's own
 * translator ({@code egctl x translate}).
 */
final class EnvoyGatewayTranslatorIT {
  private static final Path BUILD = Path.of("build-egctl.sh");
  private static final int MAX_SECONDS = 60;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Three routes: one without a policy of its own, two with one that has nothing to do with us. */
  private static final String GATEWAY =
      """
      ---
      apiVersion: gateway.networking.k8s.io/v1
      kind: GatewayClass
      metadata: { name: eg }
      spec: { controllerName: gateway.envoyproxy.io/gatewayclass-controller }
      ---
      apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: { name: public, namespace: infra }
      spec:
        gatewayClassName: eg
        listeners: [{ name: http, protocol: HTTP, port: 8080 }]
      ---
      apiVersion: v1
      kind: Service
      metadata: { name: app, namespace: infra }
      spec: { clusterIP: 10.1.2.4, ports: [{ name: http, port: 80 }] }
      %s
      ---
      apiVersion: gateway.envoyproxy.io/v1alpha1
      kind: SecurityPolicy
      metadata: { name: dropping, namespace: infra }
      spec:
        targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: dropping }]
        cors: { allowOrigins: ["https://app.example"] }
      ---
      apiVersion: gateway.envoyproxy.io/v1alpha1
      kind: SecurityPolicy
      metadata: { name: merging, namespace: infra }
      spec:
        targetRefs: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: merging }]
        mergeType: StrategicMerge
        cors: { allowOrigins: ["https://app.example"] }
      """
          .formatted(
              Stream.of("plain", "dropping", "merging")
                  .map(name ->
                      """
                      ---
                      apiVersion: gateway.networking.k8s.io/v1
                      kind: HTTPRoute
                      metadata: { name: %1$s, namespace: infra }
                      spec:
                        hostnames: [%1$s.example]
                        parentRefs: [{ name: public }]
                        rules: [{ backendRefs: [{ name: app, port: 80 }] }]
                      """
                          .formatted(name))
                  .collect(Collectors.joining()));

  @TempDir private static Path directory;
  private static Path egctl;

  @BeforeAll
  static void find() throws IOException, InterruptedException {
    Process find = new ProcessBuilder("sh", BUILD.toString(), "--find").start();
    String path = new String(find.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    Assumptions.assumeTrue(
        find.waitFor(MAX_SECONDS, TimeUnit.SECONDS) && find.exitValue() == 0,
        "Envoy Gateway's translator is optional; conformance-tests/build-egctl.sh builds it in"
            + " some minutes");
    egctl = Path.of(path);
  }

  @Test
  void gateway_asksOurServiceWithTheTimeoutAndFailMode() {
    JsonNode xds = translated("failOpen: false, timeout: 300ms");
    JsonNode filter =
        one(xds, "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz");

    assertThat(filter.path("failureModeAllow").asBoolean(false)).isFalse();
    assertThat(filter.path("grpcService").path("timeout").asText()).isEqualTo("0.300s");
    assertThat(filter.path("transportApiVersion").asText()).isEqualTo("V3");
    assertThat(texts(filter.path("allowedHeaders"), "exact"))
        .contains("x-forwarded-for", "user-agent");

    String cluster = filter.path("grpcService").path("envoyGrpc").path("clusterName").asText();
    JsonNode endpoints = having(xds, "clusterName", cluster, "endpoints");
    assertThat(texts(endpoints, "portValue")).containsExactly("9001");
    JsonNode upstream = having(xds, "name", cluster, "typedExtensionProtocolOptions");
    assertThat(upstream.findValue("http2ProtocolOptions")).as("gRPC needs HTTP/2").isNotNull();
  }

  @Test
  void failOpenAndPolicy_areToldToEnvoy() {
    JsonNode xds = translated("policy: shop");

    JsonNode filter =
        one(xds, "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz");
    assertThat(filter.path("failureModeAllow").asBoolean(false)).isTrue();
    assertThat(filter.path("grpcService").path("timeout").asText()).isEqualTo("0.200s");
    assertThat(texts(route(xds, "plain"), "policy")).containsExactly("shop");
  }

  /** What docs/attach/envoy-gateway.md warns of, and what a BanPolicy reports. */
  @Test
  void policyOfARoute_dropsOurs_unlessItMerges() {
    JsonNode xds = translated("");

    assertThat(asks(route(xds, "plain"))).isTrue();
    assertThat(asks(route(xds, "dropping"))).isFalse();
    assertThat(asks(route(xds, "merging"))).isTrue();
  }

  private static boolean asks(JsonNode route) {
    return names(route.path("typedPerFilterConfig"))
        .anyMatch(name -> name.startsWith("envoy.filters.http.ext_authz/"));
  }

  /** The routes of a HTTPRoute have its name in theirs. */
  private static JsonNode route(JsonNode xds, String name) {
    return all(xds)
        .filter(node -> node.has("match"))
        .filter(node -> node.path("name").asText().startsWith("httproute/infra/" + name + "/"))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no route " + name + " in " + xds));
  }

  private static JsonNode one(JsonNode xds, String type) {
    return all(xds)
        .filter(node -> node.path("@type").asText().equals(type))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + type + " in " + xds));
  }

  private static JsonNode having(JsonNode xds, String key, String value, String other) {
    return all(xds)
        .filter(node -> node.path(key).asText().equals(value) && node.has(other))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + key + " " + value + " in " + xds));
  }

  private static List<String> texts(JsonNode node, String key) {
    return node.findValuesAsText(key);
  }

  private static Stream<JsonNode> all(JsonNode node) {
    return Stream.concat(
        Stream.of(node),
        StreamSupport.stream(node.spliterator(), false).flatMap(EnvoyGatewayTranslatorIT::all));
  }

  private static Stream<String> names(JsonNode node) {
    return node.properties().stream().map(Map.Entry::getKey);
  }

  /** The chart's objects beside a gateway, through the translator. */
  private static JsonNode translated(String more) {
    RenderedChart chart =
        HelmChart.render(
            "ip-sentry",
            """
            attach: [{ type: envoy-gateway, namespace: infra, targetRefs: [{ name: public }], %s }]
            config: { authz: { callers: [10.0.0.0/8], policies: { shop: { mode: shadow } } } }
            """
                .formatted(more));
    String ours =
        Stream.of(chart.yaml().split("(?m)^---$"))
            .filter(document ->
                document.contains("kind: SecurityPolicy")
                    || document.contains("kind: ReferenceGrant")
                    || document.contains("kind: Service\n"))
            // There is no cluster that would give it one.
            .map(document ->
                document.replaceFirst("(?m)^  type: ClusterIP$", "  clusterIP: 10.1.2.3"))
            .collect(Collectors.joining("---"));
    try {
      Path file = Files.writeString(directory.resolve("gateway.yaml"), "---" + ours + GATEWAY);
      return JSON.readTree(
          Programs.run(
              egctl.toString(),
              "x",
              "translate",
              "--from",
              "gateway-api",
              "--to",
              "xds",
              "-o",
              "json",
              "-f",
              file.toString()));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot translate", e);
    }
  }
}
