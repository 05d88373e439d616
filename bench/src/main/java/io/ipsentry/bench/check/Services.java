package io.ipsentry.bench.check;

import com.google.rpc.Status;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext.HttpRequest;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext.Peer;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext.Request;
import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.envoyproxy.envoy.service.auth.v3.CheckRequest;
import io.envoyproxy.envoy.service.auth.v3.CheckResponse;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.ipsentry.authz.transport.EventLoops;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;

/** What is called: an echo, checks through the generated classes, and the messages for both. */
final class Services {
  /** Its name is as long as that of a check, which is spelled out at every call. */
  static final MethodDescriptor<byte[], byte[]> ECHO =
      method("bench.named.as.long.as.check.Service/Echo");

  /** Of the server at hand, with messages that were serialised before. */
  static final MethodDescriptor<byte[], byte[]> CHECK =
      method(AuthorizationGrpc.getCheckMethod().getFullMethodName());

  private static final int ECHO_BYTES = 68;

  private Services() {}

  private static MethodDescriptor<byte[], byte[]> method(String name) {
    return MethodDescriptor.<byte[], byte[]>newBuilder()
        .setType(MethodDescriptor.MethodType.UNARY)
        .setFullMethodName(name)
        .setRequestMarshaller(new Bytes())
        .setResponseMarshaller(new Bytes())
        .build();
  }

  /** Gives back what it gets: what gRPC itself costs. */
  static Server echo(EventLoops loops) throws IOException {
    return server(
        loops,
        ServerServiceDefinition.builder("bench.named.as.long.as.check.Service")
            .addMethod(
                ECHO,
                ServerCalls.asyncUnaryCall((request, responses) -> {
                  responses.onNext(request);
                  responses.onCompleted();
                }))
            .build());
  }

  /** Allows everybody, through the generated classes: what decoding costs without a skimmer. */
  static Server generated(EventLoops loops) throws IOException {
    CheckResponse allowed =
        CheckResponse.newBuilder().setStatus(Status.getDefaultInstance()).build();
    return server(
        loops,
        new AuthorizationGrpc.AuthorizationImplBase() {
          @Override
          public void check(CheckRequest request, StreamObserver<CheckResponse> responses) {
            boolean known =
                !request
                    .getAttributes()
                    .getRequest()
                    .getHttp()
                    .getHeadersOrDefault("x-forwarded-for", "")
                    .isEmpty();
            responses.onNext(known ? allowed : CheckResponse.getDefaultInstance());
            responses.onCompleted();
          }
        }.bindService());
  }

  private static Server server(EventLoops loops, ServerServiceDefinition service)
      throws IOException {
    return NettyServerBuilder.forAddress(loopback())
        .channelType(loops.channelType())
        .bossEventLoopGroup(loops.acceptor())
        .workerEventLoopGroup(loops.workers())
        .directExecutor()
        .addService(service)
        .build()
        .start();
  }

  static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  static byte[] echoMessage() {
    return new byte[ECHO_BYTES];
  }

  /** As an Envoy at the edge sends it for a browser: 15 headers. */
  static byte[] checkMessage() {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put(":authority", "app.example");
    headers.put(":method", "GET");
    headers.put(":path", "/index.html?a=b");
    headers.put(":scheme", "https");
    headers.put("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
    headers.put("accept-encoding", "gzip, deflate, br, zstd");
    headers.put("accept-language", "en-GB,en;q=0.8,de;q=0.5");
    headers.put("cookie", "session=0123456789abcdef0123456789abcdef; theme=dark");
    headers.put("sec-fetch-dest", "document");
    headers.put("sec-fetch-mode", "navigate");
    headers.put("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101");
    headers.put("x-envoy-external-address", "203.0.113.7");
    headers.put("x-forwarded-for", "203.0.113.7");
    headers.put("x-forwarded-proto", "https");
    headers.put("x-request-id", "7e5ab4a2-4f0c-4f4f-9d3e-2b6f7d0c1a55");
    return CheckRequest.newBuilder()
        .setAttributes(
            AttributeContext.newBuilder()
                .setSource(peer("10.0.0.1", 51_324))
                .setDestination(peer("10.0.0.5", 8_443))
                .setRequest(
                    Request.newBuilder()
                        .setHttp(
                            HttpRequest.newBuilder()
                                .setId("7234567890123456789")
                                .setMethod("GET")
                                .setPath("/index.html?a=b")
                                .setHost("app.example")
                                .setScheme("https")
                                .setProtocol("HTTP/2")
                                .putAllHeaders(headers)))
                .putContextExtensions("policy", "shop"))
        .build()
        .toByteArray();
  }

  private static Peer peer(String address, int port) {
    return Peer.newBuilder()
        .setAddress(
            Address.newBuilder()
                .setSocketAddress(
                    SocketAddress.newBuilder().setAddress(address).setPortValue(port)))
        .build();
  }
}
