package io.ipsentry.authz.envoy;

import com.google.protobuf.Struct;
import com.google.protobuf.Timestamp;
import com.google.protobuf.Value;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.EnvoyInternalAddress;
import io.envoyproxy.envoy.config.core.v3.HeaderMap;
import io.envoyproxy.envoy.config.core.v3.Metadata;
import io.envoyproxy.envoy.config.core.v3.Pipe;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext.HttpRequest;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext.Peer;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext.Request;
import io.envoyproxy.envoy.service.auth.v3.CheckRequest;
import java.util.LinkedHashMap;
import java.util.Map;

/** Requests with the fields that Envoy fills, in the way it fills them. */
final class CheckRequests {
  static final String TARGET = "/index.html?a=b";

  static final String USER_AGENT =
      "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

  /** Fifteen headers, as a browser's request has them at Envoy. */
  static final Map<String, String> BROWSER = browser();

  private CheckRequests() {}

  private static Map<String, String> browser() {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put(":authority", "app.example");
    headers.put(":method", "GET");
    headers.put(":path", TARGET);
    headers.put(":scheme", "https");
    headers.put("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
    headers.put("accept-encoding", "gzip, deflate, br, zstd");
    headers.put("accept-language", "en-GB,en;q=0.8,de;q=0.5");
    headers.put("cookie", "session=0123456789abcdef0123456789abcdef; theme=dark");
    headers.put("sec-fetch-dest", "document");
    headers.put("sec-fetch-mode", "navigate");
    headers.put("user-agent", USER_AGENT);
    headers.put("x-envoy-external-address", "203.0.113.7");
    headers.put("x-forwarded-for", "203.0.113.7");
    headers.put("x-forwarded-proto", "https");
    headers.put("x-request-id", "7e5ab4a2-4f0c-4f4f-9d3e-2b6f7d0c1a55");
    return headers;
  }

  /** A browser's request from an address, without a forwarded list. */
  static CheckRequest of(String peer) {
    Map<String, String> headers = new LinkedHashMap<>(BROWSER);
    headers.remove("x-forwarded-for");
    headers.remove("x-envoy-external-address");
    return with(peer, headers, Map.of());
  }

  static CheckRequest with(
      String peer, Map<String, String> headers, Map<String, String> extensions) {
    return request(socket(peer, 51_324), http(TARGET).putAllHeaders(headers).build(), extensions);
  }

  /** As {@code encode_raw_headers: true} sends it. */
  static CheckRequest raw(String peer, HeaderMap headers) {
    return request(socket(peer, 51_324), http(TARGET).setHeaderMap(headers).build(), Map.of());
  }

  static CheckRequest target(String peer, String target, Map<String, String> headers) {
    return request(socket(peer, 51_324), http(target).putAllHeaders(headers).build(), Map.of());
  }

  /** With a cookie so large that all headers together have at least this many bytes. */
  static CheckRequest large(int bytes) {
    Map<String, String> headers = new LinkedHashMap<>(BROWSER);
    headers.put("cookie", "c=" + "x".repeat(bytes));
    return with("203.0.113.7", headers, Map.of());
  }

  static CheckRequest pipe() {
    return request(
        Address.newBuilder().setPipe(Pipe.newBuilder().setPath("/run/envoy.sock")).build(),
        http(TARGET).build(),
        Map.of());
  }

  static CheckRequest internalAddress() {
    return request(
        Address.newBuilder()
            .setEnvoyInternalAddress(EnvoyInternalAddress.newBuilder().setServerListenerName("in"))
            .build(),
        http(TARGET).build(),
        Map.of());
  }

  static CheckRequest noAddress() {
    CheckRequest.Builder request = pipe().toBuilder();
    request.getAttributesBuilder().clearSource();
    return request.build();
  }

  private static HttpRequest.Builder http(String target) {
    return HttpRequest.newBuilder()
        .setId("7234567890123456789")
        .setMethod("GET")
        .setHost("app.example")
        .setPath(target)
        .setScheme("https")
        .setProtocol("HTTP/2")
        .setSize(-1);
  }

  private static CheckRequest request(
      Address source, HttpRequest http, Map<String, String> extensions) {
    return CheckRequest.newBuilder()
        .setAttributes(
            AttributeContext.newBuilder()
                .setSource(Peer.newBuilder().setAddress(source))
                .setDestination(Peer.newBuilder().setAddress(socket("10.0.0.5", 8443)))
                .setRequest(
                    Request.newBuilder()
                        .setTime(Timestamp.newBuilder().setSeconds(1_795_000_000L).setNanos(5))
                        .setHttp(http))
                .putAllContextExtensions(extensions)
                .setMetadataContext(Metadata.getDefaultInstance())
                .setRouteMetadataContext(
                    Metadata.newBuilder()
                        .putFilterMetadata(
                            "envoy-gateway",
                            Struct.newBuilder()
                                .putFields(
                                    "kind", Value.newBuilder().setStringValue("HTTPRoute").build())
                                .build())))
        .build();
  }

  private static Address socket(String address, int port) {
    return Address.newBuilder()
        .setSocketAddress(SocketAddress.newBuilder().setAddress(address).setPortValue(port))
        .build();
  }
}
