package io.ipsentry.conformance.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.CertificateAuthority.Issued;
import io.ipsentry.testing.RequiresProgram;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code run} serves forward-auth over TLS, and knows its callers by their certificates. */
@RequiresProgram("openssl")
final class ForwardAuthTlsIT {
  private static final String PROBER = "203.0.113.7";
  private static final String OTHER = "203.0.113.8";
  private static final int ROTATIONS = 3;

  @TempDir private Path directory;
  private final int port = Gateway.freePort();
  private CertificateAuthority authority;
  private RunningIpSentry program;

  @BeforeEach
  void start() throws IOException {
    authority = CertificateAuthority.create(Files.createDirectory(directory.resolve("ca")), "ca");
    rotate();
    program =
        RunningIpSentry.start(
            directory,
            """
            authz:
              http: "127.0.0.1:%1$d"
              tls: { certificate: %2$s/tls.crt, key: %2$s/tls.key, clientCa: %3$s }
              callers: [{ names: [edge.example] }]
              failOpen: false
            rules:
              - name: probing
                on: request
                match: { paths: ['^/\\.env'] }
                threshold: 3
                window: 1h
                ban: 24h
            """
                .formatted(port, directory, authority.certificate()));
  }

  @AfterEach
  void stop() {
    program.close();
  }

  /** Puts another certificate in the place of the server's. */
  private Issued rotate() throws IOException {
    Issued issued = authority.issue("server", "DNS:localhost", "IP:127.0.0.1");
    moveOver(issued.certificate(), directory.resolve("tls.crt"));
    moveOver(issued.key(), directory.resolve("tls.key"));
    return issued;
  }

  private static void moveOver(Path from, Path to) throws IOException {
    Path beside = to.resolveSibling("new");
    Files.copy(from, beside, StandardCopyOption.REPLACE_EXISTING);
    Files.move(beside, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private HttpClient client(@Nullable Issued own) throws SSLException {
    SslContextBuilder builder =
        SslContextBuilder.forClient()
            .sslProvider(SslProvider.JDK)
            .trustManager(authority.certificate().toFile());
    if (own != null) {
      builder.keyManager(own.certificate().toFile(), own.key().toFile());
    }
    SSLContext context = ((JdkSslContext) builder.build()).context();
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .sslContext(context)
        .connectTimeout(Duration.ofSeconds(20))
        .build();
  }

  private HttpResponse<String> ask(HttpClient http, String client, String target)
      throws IOException, InterruptedException {
    return ask(http, "https", client, target);
  }

  private HttpResponse<String> ask(HttpClient http, String scheme, String client, String target)
      throws IOException, InterruptedException {
    return http.send(
        HttpRequest.newBuilder(URI.create(scheme + "://127.0.0.1:" + port + "/forward-auth"))
            .timeout(Duration.ofSeconds(30))
            .header("X-Forwarded-For", client)
            .header("X-Forwarded-Method", "GET")
            .header("X-Forwarded-Host", "shop.example")
            .header("X-Forwarded-Uri", target)
            .build(),
        BodyHandlers.ofString());
  }

  private static BigInteger serial(HttpResponse<?> answer) throws SSLPeerUnverifiedException {
    X509Certificate shown =
        (X509Certificate) answer.sslSession().orElseThrow().getPeerCertificates()[0];
    return shown.getSerialNumber();
  }

  @Test
  void hits_countByTheNameInTheCertificateAlone() throws Exception {
    try (HttpClient edge = client(authority.issue("edge", "DNS:edge.example"));
        HttpClient other = client(authority.issue("other", "DNS:other.example"));
        HttpClient nobody = client(null)) {
      for (int i = 0; i < 5; i++) {
        assertThat(ask(other, OTHER, "/.env").statusCode()).isEqualTo(200);
      }
      assertThat(ask(edge, PROBER, "/.env").statusCode()).isEqualTo(200);
      assertThat(ask(edge, PROBER, "/.env").statusCode()).isEqualTo(200);
      assertThat(ask(edge, PROBER, "/.env").statusCode()).isEqualTo(403);

      // Whoever has a certificate gets verdicts; without one, or without TLS, nobody.
      assertThat(ask(other, PROBER, "/").statusCode()).isEqualTo(403);
      assertThat(ask(other, OTHER, "/").statusCode()).isEqualTo(200);
      assertThatExceptionOfType(IOException.class).isThrownBy(() -> ask(nobody, OTHER, "/"));
      assertThatExceptionOfType(IOException.class).isThrownBy(() -> ask(edge, "http", OTHER, "/"));
    }
    assertThat(program.metric("ip_sentry_hits_total{rule=\"probing\"}")).hasValue(3);
    assertThat(program.metric("ip_sentry_checks_unauthenticated_total{transport=\"http\"}"))
        .hasValue(7);
    await()
        .atMost(RunningIpSentry.PATIENCE)
        .untilAsserted(() ->
            assertThat(program.list())
                .singleElement()
                .satisfies(ban -> assertThat(ban).containsEntry("ip", PROBER)));
  }

  @Test
  void certificate_rotatedWhileAsked_noRequestIsLost() throws Exception {
    Issued edge = authority.issue("edge", "DNS:edge.example");
    assertThat(program.command("ban", PROBER).exitCode()).isZero();
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger asked = new AtomicInteger();
    try (HttpClient kept = client(edge)) {
      BigInteger first = serial(ask(kept, OTHER, "/"));
      asked.incrementAndGet();
      CompletableFuture<Void> overOneConnection =
          CompletableFuture.runAsync(() -> {
            while (!over.get()) {
              askBoth(kept, asked);
            }
          });
      CompletableFuture<Void> overNewOnes =
          CompletableFuture.runAsync(() -> {
            while (!over.get()) {
              try (HttpClient one = client(edge)) {
                askBoth(one, asked);
              } catch (SSLException e) {
                throw new AssertionError("no client", e);
              }
            }
          });
      BigInteger before = first;
      for (int i = 0; i < ROTATIONS; i++) {
        Issued ignored = rotate();
        BigInteger old = before;
        before =
            await("new certificate")
                .atMost(RunningIpSentry.PATIENCE)
                .until(() -> serialOfNewConnection(edge, asked), serial -> !serial.equals(old));
      }
      over.set(true);
      overOneConnection.get();
      overNewOnes.get();
      // The connection from the beginning is still the same.
      assertThat(serial(ask(kept, OTHER, "/"))).isEqualTo(first);
      asked.incrementAndGet();
    }
    assertThat(check("not-banned") + check("banned")).isEqualTo(asked.get());
    assertThat(asked.get()).isGreaterThan(20);
  }

  private double check(String verdict) {
    return program
        .metric(
            "ip_sentry_checks_total{policy=\"default\",transport=\"http\",verdict=\"%s\"}"
                .formatted(verdict))
        .orElse(-1);
  }

  /** Both verdicts over one connection. */
  private void askBoth(HttpClient http, AtomicInteger asked) {
    try {
      assertThat(ask(http, PROBER, "/").statusCode()).isEqualTo(403);
      assertThat(ask(http, OTHER, "/").statusCode()).isEqualTo(200);
      asked.addAndGet(2);
    } catch (IOException e) {
      throw new AssertionError("a request was lost", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private BigInteger serialOfNewConnection(Issued edge, AtomicInteger asked)
      throws IOException, InterruptedException {
    try (HttpClient one = client(edge)) {
      HttpResponse<String> answer = ask(one, OTHER, "/");
      asked.incrementAndGet();
      return serial(answer);
    }
  }

  @Test
  @RequiresProgram("nginx")
  void nginx_showsItsCertificate_itsProbesCountAndRotationGoesUnnoticed() throws Exception {
    Issued edge = authority.issue("edge", "DNS:edge.example");
    Path own = Files.createDirectory(directory.resolve("nginx"));
    try (Application application = new Application();
        Gateway nginx =
            NginxForwardAuthIT.startNginx(
                own,
                "127.0.0.1:" + port,
                application.address(),
                Map.of(
                    "200ms",
                    "20s",
                    "    keepalive 32;\n  }\n",
                    """
                        keepalive 32;
                      }
                      set_real_ip_from 127.0.0.1;
                      real_ip_header X-Forwarded-For;
                    """,
                    "proxy_pass http://ip_sentry/forward-auth;",
                    """
                    proxy_pass https://ip_sentry/forward-auth;
                          proxy_ssl_certificate %s;
                          proxy_ssl_certificate_key %s;
                          proxy_ssl_trusted_certificate %s;
                          proxy_ssl_verify on;
                          proxy_ssl_name localhost;
                    """
                        .formatted(edge.certificate(), edge.key(), authority.certificate())));
        GatewayClient client = new GatewayClient("127.0.0.1", nginx.port());
        HttpClient newest = client(edge)) {
      assertThat(get(client, PROBER, "/.env")).isEqualTo(200);
      assertThat(get(client, PROBER, "/.env")).isEqualTo(200);

      BigInteger before = serial(ask(newest, OTHER, "/"));
      Issued ignored = rotate();
      await("new certificate")
          .atMost(RunningIpSentry.PATIENCE)
          .until(
              () -> {
                assertThat(get(client, OTHER, "/")).isEqualTo(200);
                return serialOfNewConnection(edge, new AtomicInteger());
              },
              serial -> !serial.equals(before));

      assertThat(get(client, PROBER, "/.env")).isEqualTo(403);
      assertThat(get(client, PROBER, "/")).isEqualTo(403);
      assertThat(get(client, OTHER, "/")).isEqualTo(200);
    }
    assertThat(Files.readAllLines(own.resolve("error.log"))).isEmpty();
  }

  private static int get(GatewayClient client, String as, String target)
      throws IOException, InterruptedException {
    return client.send(client.request(target).header("X-Forwarded-For", as)).statusCode();
  }
}
