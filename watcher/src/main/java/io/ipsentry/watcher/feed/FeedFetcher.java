package io.ipsentry.watcher.feed;

import io.ipsentry.config.FeedConfig;
import io.ipsentry.config.FeedOrigin;
import io.ipsentry.feed.FeedOptions;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;

/**
 * Fetches a list by HTTP or from a file, once: conditionally, with few redirects, within a limit of
 * bytes and of time. Safe for any thread.
 */
final class FeedFetcher {
  /** Redirects that are followed. */
  static final int MAX_REDIRECTS = 5;

  /** Bytes of a checksum file. */
  private static final int MAX_CHECKSUM_BYTES = 64 << 10;

  private static final int MAX_HEADER_BYTES = 64 << 10;
  private static final Duration MAX_RETRY_AFTER = Duration.ofDays(1);
  private static final int OK = 200;
  private static final int NOT_MODIFIED = 304;

  private final Limits limits;
  private final String userAgent;
  private final InstantSource clock;

  /**
   * What a fetch may take.
   *
   * @param connect time for a connection
   * @param whole time for everything
   * @param bytes of the answer, as it is sent
   */
  record Limits(Duration connect, Duration whole, long bytes) {
    static final Limits DEFAULT =
        new Limits(Duration.ofSeconds(10), Duration.ofMinutes(2), FeedOptions.MAX_BYTES);
  }

  /** What the server said of what is known. */
  record Validators(String etag, String lastModified) {
    static final Validators NONE = new Validators("", "");
  }

  FeedFetcher(Limits limits, String userAgent, InstantSource clock) {
    this.limits = limits;
    this.userAgent = userAgent;
    this.clock = clock;
  }

  /** Fetches the list of a feed, and compares it with its checksum. */
  Fetched fetch(FeedConfig feed, Validators known) throws InterruptedException {
    HttpClient client;
    try {
      client = client(feed);
    } catch (GeneralSecurityException | IOException e) {
      return Fetched.Failed.because("its ca cannot be used: " + e.getMessage());
    }
    try {
      long deadline = System.nanoTime() + limits.whole().toNanos();
      Fetched fetched = fetch(client, feed, feed.origin(), known, limits.bytes(), deadline);
      if (fetched instanceof Fetched.Body body && feed.checksum().isPresent()) {
        return checked(client, feed, body, deadline);
      }
      return fetched;
    } finally {
      client.shutdownNow();
    }
  }

  private HttpClient client(FeedConfig feed) throws GeneralSecurityException, IOException {
    HttpClient.Builder client =
        HttpClient.newBuilder()
            .connectTimeout(limits.connect())
            // By hand: keys must not follow to other servers.
            .followRedirects(HttpClient.Redirect.NEVER);
    if (feed.ca().isPresent()) {
      client.sslContext(trusting(feed.ca().get()));
    }
    return client.build();
  }

  private static SSLContext trusting(Path ca) throws GeneralSecurityException, IOException {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    try (InputStream in = Files.newInputStream(ca)) {
      int number = 0;
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        trusted.setCertificateEntry("ca-" + number++, certificate);
      }
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private Fetched fetch(
      HttpClient client,
      FeedConfig feed,
      FeedOrigin origin,
      Validators known,
      long maxBytes,
      long deadline)
      throws InterruptedException {
    return switch (origin) {
      case FeedOrigin.File file -> read(file.path(), known, maxBytes);
      case FeedOrigin.Url url -> get(client, feed, url.url(), known, maxBytes, deadline);
    };
  }

  // ---- files

  private static Fetched read(Path file, Validators known, long maxBytes) {
    try {
      if (Files.exists(file) && !Files.isRegularFile(file)) {
        return Fetched.Failed.because(file + " is not a regular file");
      }
      String modified = Files.getLastModifiedTime(file).toInstant() + " " + Files.size(file);
      if (modified.equals(known.lastModified())) {
        return new Fetched.NotModified();
      }
      try (InputStream in = Files.newInputStream(file)) {
        byte[] bytes = in.readNBytes((int) maxBytes + 1);
        return bytes.length > maxBytes
            ? Fetched.Failed.because(file + " is larger than " + (maxBytes >> 20) + " MiB")
            : new Fetched.Body(bytes, "", modified);
      }
    } catch (NoSuchFileException e) {
      return Fetched.Failed.because(file + " is not there");
    } catch (IOException e) {
      return Fetched.Failed.because(file + " cannot be read: " + e.getMessage());
    }
  }

  // ---- HTTP

  private Fetched get(
      HttpClient client, FeedConfig feed, URI first, Validators known, long maxBytes, long deadline)
      throws InterruptedException {
    URI at = first;
    try {
      for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
        HttpResponse<byte[]> response =
            send(client, request(feed, at, first, known), maxBytes, deadline);
        Optional<String> location = redirect(response);
        if (location.isEmpty()) {
          return answered(response);
        }
        URI next = at.resolve(location.get());
        if (!isAllowed(at, next)) {
          return Fetched.Failed.because("its server redirects to " + shown(next));
        }
        at = next;
      }
      return Fetched.Failed.because("its server redirects more than " + MAX_REDIRECTS + " times");
    } catch (TimeoutException e) {
      return Fetched.Failed.because(
          "its server did not send all of it within " + limits.whole().toSeconds() + " s");
    } catch (IllegalArgumentException e) {
      return Fetched.Failed.because("its server redirects to what is no URL");
    } catch (IOException e) {
      return Fetched.Failed.because(reason(e, at, maxBytes));
    }
  }

  private HttpRequest request(FeedConfig feed, URI at, URI first, Validators known)
      throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(at).timeout(limits.whole()).header("User-Agent", userAgent).GET();
    if (feed.checksum().isEmpty()) {
      request.header("Accept-Encoding", "gzip");
    }
    if (!known.etag().isEmpty()) {
      request.header("If-None-Match", known.etag());
    }
    if (!known.lastModified().isEmpty()) {
      request.header("If-Modified-Since", known.lastModified());
    }
    if (isSameServer(at, first)) {
      for (Map.Entry<String, Path> header : feed.headerFiles().entrySet()) {
        request.setHeader(header.getKey(), secret(header.getValue()));
      }
    }
    return request.build();
  }

  private static String secret(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      String value =
          new String(in.readNBytes(MAX_HEADER_BYTES), StandardCharsets.ISO_8859_1).strip();
      if (!value.matches("[ -~]{1,8192}")) {
        throw new IOException(file + " holds no value for a header: printable ASCII in one line");
      }
      return value;
    }
  }

  private static HttpResponse<byte[]> send(
      HttpClient client, HttpRequest request, long maxBytes, long deadline)
      throws IOException, InterruptedException, TimeoutException {
    CompletableFuture<HttpResponse<byte[]>> response =
        client.sendAsync(request, BodyHandlers.limiting(BodyHandlers.ofByteArray(), maxBytes));
    try {
      return response.get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      }
      throw new IOException(e.getCause());
    } finally {
      // Ends the exchange, if it is still under way.
      boolean ignored = response.cancel(true);
    }
  }

  private static Optional<String> redirect(HttpResponse<byte[]> response) {
    return switch (response.statusCode()) {
      case 301, 302, 303, 307, 308 -> response.headers().firstValue("Location");
      default -> Optional.empty();
    };
  }

  /** Never to where others can listen, nor to what is no HTTP. */
  private static boolean isAllowed(URI from, URI to) {
    String scheme = scheme(to);
    return to.getHost() != null
        && (scheme.equals("https") || scheme.equals("http") && scheme(from).equals("http"));
  }

  private static boolean isSameServer(URI at, URI first) {
    return scheme(at).equals(scheme(first))
        && at.getHost().equalsIgnoreCase(first.getHost())
        && at.getPort() == first.getPort();
  }

  private static String scheme(URI url) {
    return url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
  }

  /** Without the query, which may hold a secret. */
  private static String shown(URI url) {
    return scheme(url) + "://" + url.getAuthority();
  }

  private Fetched answered(HttpResponse<byte[]> response) {
    if (response.statusCode() == NOT_MODIFIED) {
      return new Fetched.NotModified();
    }
    if (response.statusCode() != OK) {
      return new Fetched.Failed(
          "its server answers " + response.statusCode(), retryAfter(response));
    }
    // A body that is compressed for the way is recognised by its first bytes, as a file is.
    return new Fetched.Body(
        response.body(), header(response, "ETag"), header(response, "Last-Modified"));
  }

  private static String header(HttpResponse<byte[]> response, String name) {
    return response
        .headers()
        .firstValue(name)
        .filter(value -> value.matches("[ -~]{1,1024}"))
        .orElse("");
  }

  private Optional<Duration> retryAfter(HttpResponse<byte[]> response) {
    return response
        .headers()
        .firstValue("Retry-After")
        .flatMap(this::wait)
        .map(wait -> wait.compareTo(MAX_RETRY_AFTER) > 0 ? MAX_RETRY_AFTER : wait);
  }

  private Optional<Duration> wait(String value) {
    if (value.matches("\\d{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(value)));
    }
    try {
      ZonedDateTime until = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME);
      Duration wait = Duration.between(clock.instant(), until.toInstant());
      return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  private String reason(IOException e, URI at, long maxBytes) {
    if (e instanceof HttpConnectTimeoutException) {
      return "its server "
          + at.getHost()
          + " cannot be reached within "
          + limits.connect().toSeconds()
          + " s";
    }
    if (e instanceof ConnectException) {
      return "its server " + at.getHost() + " cannot be reached";
    }
    if (e instanceof SSLException) {
      return "its server's certificate or TLS is not accepted: " + e.getMessage();
    }
    String message = String.valueOf(e.getMessage());
    if (message.contains("maximum capacity") || message.contains("exceed")) {
      return "it is larger than " + (maxBytes >> 20) + " MiB";
    }
    return "it cannot be fetched: " + message;
  }

  // ---- checksums

  private Fetched checked(HttpClient client, FeedConfig feed, Fetched.Body body, long deadline)
      throws InterruptedException {
    FeedOrigin origin = feed.checksum().orElseThrow();
    Fetched checksum = fetch(client, feed, origin, Validators.NONE, MAX_CHECKSUM_BYTES, deadline);
    return switch (checksum) {
      case Fetched.Body sum -> {
        String text = new String(sum.bytes(), StandardCharsets.ISO_8859_1).strip();
        String wanted = text.length() < 64 ? "" : text.substring(0, 64).toLowerCase(Locale.ROOT);
        if (!wanted.matches("[0-9a-f]{64}")) {
          yield Fetched.Failed.because("its checksum does not begin with a SHA-256");
        }
        yield wanted.equals(sha256(body.bytes()))
            ? body
            : Fetched.Failed.because("it does not have the checksum that it should");
      }
      case Fetched.Failed failed ->
          new Fetched.Failed("its checksum: " + failed.reason(), failed.retryAfter());
      case Fetched.NotModified same -> Fetched.Failed.because("its checksum: no answer");
    };
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
