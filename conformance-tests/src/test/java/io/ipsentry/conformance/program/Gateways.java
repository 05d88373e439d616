package io.ipsentry.conformance.program;

import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext;
import io.envoyproxy.envoy.service.auth.v3.CheckRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/** What gateways ask about a client's request. */
public final class Gateways {
  private Gateways() {}

  /** Asks as nginx and Traefik do. */
  public static HttpResponse<String> forwardAuth(
      HttpClient http, int port, String client, String target) {
    return forwardAuth(http, port, "", client, target);
  }

  /**
   * The same by a policy.
   *
   * @param policy its name; empty: the default one
   */
  public static HttpResponse<String> forwardAuth(
      HttpClient http, int port, String policy, String client, String target) {
    String path = policy.isEmpty() ? "/forward-auth" : "/policies/" + policy + "/forward-auth";
    try {
      return http.send(
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
              .timeout(Duration.ofSeconds(10))
              .header("X-Forwarded-For", client)
              .header("X-Forwarded-Method", "GET")
              .header("X-Forwarded-Host", "shop.example")
              .header("X-Forwarded-Uri", target)
              .build(),
          BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException("forward-auth does not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while asking", e);
    }
  }

  /** What Envoy asks. */
  public static CheckRequest check(String client, String target) {
    return CheckRequest.newBuilder()
        .setAttributes(
            AttributeContext.newBuilder()
                .setSource(
                    AttributeContext.Peer.newBuilder()
                        .setAddress(
                            Address.newBuilder()
                                .setSocketAddress(
                                    SocketAddress.newBuilder()
                                        .setAddress(client)
                                        .setPortValue(40_000))))
                .setRequest(
                    AttributeContext.Request.newBuilder()
                        .setHttp(
                            AttributeContext.HttpRequest.newBuilder()
                                .setMethod("GET")
                                .setHost("shop.example")
                                .setPath(target))))
        .build();
  }

  /** A port of the loopback that nobody has now. */
  public static int freePort() {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("no free port", e);
    }
  }
}
