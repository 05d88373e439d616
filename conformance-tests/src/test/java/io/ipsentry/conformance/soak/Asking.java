package io.ipsentry.conformance.soak;

import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.envoyproxy.envoy.service.auth.v3.CheckRequest;
import io.envoyproxy.envoy.service.auth.v3.CheckResponse;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.ipsentry.conformance.gateway.NginxWithRunRig;
import io.ipsentry.conformance.program.Gateways;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Asks the program about requests, in three ways, and counts. Whatever is no verdict (another
 * status, no answer) is a failure. Safe for any thread.
 */
final class Asking implements AutoCloseable {
  private static final int DENIED = 7;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final NginxWithRunRig rig;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(10))
          .build();
  private final ManagedChannel channel;
  private final Map<Way, LongAdder> asked =
      Map.of(Way.NGINX, new LongAdder(), Way.HTTP, new LongAdder(), Way.GRPC, new LongAdder());

  /** Who asks. */
  enum Way {
    /** A client of nginx, and nginx asks. */
    NGINX,
    /** The test, as a gateway over HTTP. */
    HTTP,
    /** The test, as Envoy. */
    GRPC;

    static final List<Way> ALL = List.of(values());

    static Way any(Random random) {
      return ALL.get(random.nextInt(ALL.size()));
    }
  }

  /**
   * A verdict.
   *
   * @param text the body of a refusal; empty if it passed, or nginx wrote its own
   * @param fromNanos when it was asked
   * @param toNanos when the answer was there
   */
  record Answer(boolean refused, String text, long fromNanos, long toNanos) {}

  Asking(NginxWithRunRig rig) {
    this.rig = rig;
    channel = NettyChannelBuilder.forAddress("127.0.0.1", rig.grpcPort()).usePlaintext().build();
  }

  /** Requests that were asked about in one way. */
  long asked(Way way) {
    return counter(way).sum();
  }

  private LongAdder counter(Way way) {
    return Objects.requireNonNull(asked.get(way));
  }

  /** Asks the default policy. */
  Answer ask(Way way, String client, String target) {
    return ask(way, "", client, target);
  }

  /**
   * Asks a policy.
   *
   * @param policy empty: the default one; nginx knows only that
   */
  Answer ask(Way way, String policy, String client, String target) {
    counter(way).increment();
    long from = System.nanoTime();
    return switch (way) {
      case NGINX -> {
        HttpResponse<String> answer =
            send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + rig.port() + target))
                    .header("X-Forwarded-For", client));
        yield new Answer(refused(answer, client, target), "", from, System.nanoTime());
      }
      case HTTP -> {
        String path = policy.isEmpty() ? "/forward-auth" : "/policies/" + policy + "/forward-auth";
        HttpResponse<String> answer =
            send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + rig.httpPort() + path))
                    .header("X-Forwarded-For", client)
                    .header("X-Forwarded-Method", "GET")
                    .header("X-Forwarded-Host", "shop.example")
                    .header("X-Forwarded-Uri", target));
        yield new Answer(refused(answer, client, target), answer.body(), from, System.nanoTime());
      }
      case GRPC -> {
        CheckRequest.Builder request = Gateways.check(client, target).toBuilder();
        if (!policy.isEmpty()) {
          request.getAttributesBuilder().putContextExtensions("policy", policy);
        }
        CheckResponse answer =
            AuthorizationGrpc.newBlockingStub(channel)
                .withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS)
                .check(request.build());
        int code = answer.getStatus().getCode();
        if (code != 0 && code != DENIED) {
          throw new AssertionError(client + " " + target + " got " + answer);
        }
        yield new Answer(
            code == DENIED, answer.getDeniedResponse().getBody(), from, System.nanoTime());
      }
    };
  }

  private HttpResponse<String> send(HttpRequest.Builder request) {
    try {
      return http.send(request.timeout(PATIENCE).build(), BodyHandlers.ofString());
    } catch (IOException e) {
      throw new AssertionError("a request got no answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while asking", e);
    }
  }

  private static boolean refused(HttpResponse<String> answer, String client, String target) {
    return switch (answer.statusCode()) {
      // The application has no /missing.
      case 200, 404 -> false;
      case 403 -> true;
      default ->
          throw new AssertionError(
              "%s %s got %d: %s".formatted(client, target, answer.statusCode(), answer.body()));
    };
  }

  @Override
  public void close() {
    channel.shutdownNow();
    http.close();
  }
}
