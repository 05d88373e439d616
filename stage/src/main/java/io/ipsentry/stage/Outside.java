package io.ipsentry.stage;

import io.ipsentry.testing.NetworkNamespace;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The world outside of the cluster. Whoever is in it has any address of {@code 198.18.0.0/15},
 * {@code 198.51.100.0/24}, {@code 203.0.113.0/24} and {@code 2001:db8:8000::/33}; {@link Addresses}
 * says who is who. Safe for any thread.
 */
public final class Outside {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final NetworkNamespace namespace;

  Outside(NetworkNamespace namespace) {
    this.namespace = namespace;
  }

  /** Its network namespace. */
  public NetworkNamespace namespace() {
    return namespace;
  }

  /**
   * A client sends a GET to a node's gateway, over a connection of its own.
   *
   * @param from his address; that of the node is of the same family
   * @return empty: no answer within 20 s, or the connection was refused
   */
  public Optional<Answer> get(String from, StageNode node, String target) {
    return get(from, node, target, Map.of(), PATIENCE);
  }

  /** The same with further headers, and another patience. */
  public Optional<Answer> get(
      String from, StageNode node, String target, Map<String, String> headers, Duration patience) {
    StringBuilder head = new StringBuilder("GET " + target + " HTTP/1.0\r\nHost: shop.example\r\n");
    headers.forEach((name, value) -> head.append(name + ": " + value + "\r\n"));
    String to = from.contains(":") ? node.address6() : node.address();
    return Http.ask(namespace, from, to, 80, head.toString(), patience);
  }

  /**
   * Starts a wave.
   *
   * @param from addresses of one family, who send by turns
   * @param aSecond requests
   */
  public CompletableFuture<Wave.Result> attack(
      List<String> from, StageNode node, String target, int requests, int aSecond) {
    boolean isSix = from.getFirst().contains(":");
    Wave wave =
        new Wave(
            new Wave.Plan(
                from.stream().map(address -> socket(address, 0)).toList(),
                socket(isSix ? node.address6() : node.address(), 80),
                target,
                requests,
                Duration.ofSeconds(1).dividedBy(aSecond),
                false));
    CompletableFuture<Wave.Result> result = new CompletableFuture<>();
    Thread ignored =
        namespace.start(
            "wave of " + from.getFirst(),
            () -> {
              try {
                result.complete(wave.run());
              } catch (IOException | RuntimeException e) {
                result.completeExceptionally(e);
              }
            });
    return result;
  }

  private static InetSocketAddress socket(String address, int port) {
    return new InetSocketAddress(InetAddress.ofLiteral(address), port);
  }
}
