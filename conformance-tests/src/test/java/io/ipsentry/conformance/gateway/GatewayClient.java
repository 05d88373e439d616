package io.ipsentry.conformance.gateway;

import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/**
 * A client of a gateway with an address of its own: all of 127.0.0.0/8 is this machine, so packets
 * really come from it. Keeps its connections.
 */
final class GatewayClient implements AutoCloseable {
  private final HttpClient client;
  private final String base;

  /**
   * @param address IPv4 loopback, such as {@code 127.0.0.7}
   * @param port of the gateway
   */
  GatewayClient(String address, int port) {
    this(address, "127.0.0.1", port);
  }

  /**
   * A client of another address family.
   *
   * @param gateway address as it stands in a URL
   */
  GatewayClient(String address, String gateway, int port) {
    client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .localAddress(InetAddress.ofLiteral(address))
            .connectTimeout(Duration.ofSeconds(10))
            .build();
    base = "http://" + gateway + ":" + port;
  }

  /** A request that a test may add to. */
  HttpRequest.Builder request(String target) {
    return HttpRequest.newBuilder(URI.create(base + target)).timeout(Duration.ofSeconds(30));
  }

  HttpResponse<String> get(String target) throws IOException, InterruptedException {
    return send(request(target));
  }

  HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  @Override
  public void close() {
    client.close();
  }
}
