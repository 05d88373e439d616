package io.ipsentry.testing.kubelet;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * As much of a kubelet as the logs of containers need: the API server of a test comes to it by a
 * Node whose address is the loopback, and asks for {@code /containerLogs/NAMESPACE/POD/CONTAINER}
 * with {@code follow}, {@code timestamps}, {@code previous}, {@code sinceTime}, {@code tailLines}
 * and {@code limitBytes}, over HTTPS.
 *
 * <p>It does as the kubelet does (k8s.io/cri-client, {@code pkg/logs}): reads the file that is
 * written to at the moment and no rotated one; leaves out what was stamped before {@code
 * sinceTime}, piece by piece, and puts a stamp before a line only; goes on with the file of the
 * same name when it was rotated; ends when the container has; and sends no header before it has the
 * first byte. Safe for any thread.
 */
public final class TestKubelet implements AutoCloseable {
  private static final int NOT_FOUND = 404;
  private static final int BAD_REQUEST = 400;
  private static final int OK = 200;
  private static final String NO_LIMIT = String.valueOf(Long.MAX_VALUE);
  private static final String PATH = "/containerLogs/";
  private static final int PARTS = 3;

  private final Map<String, RuntimeLog> logs = new ConcurrentHashMap<>();
  private final Queue<String> asked = new ConcurrentLinkedQueue<>();
  private final AtomicInteger cuts = new AtomicInteger();
  private final AtomicInteger answering = new AtomicInteger();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpsServer server;
  private volatile long delayMillis;

  static {
    // As servers of Go: else a line waits until the one before it is acknowledged, 40 ms later.
    String ignored = System.setProperty("sun.net.httpserver.nodelay", "true");
  }

  private TestKubelet(SSLContext tls) throws IOException {
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(tls));
    server.setExecutor(threads);
    server.createContext(PATH, this::answer);
    server.start();
  }

  /** Starts one on a port of its own. */
  public static TestKubelet start() {
    try {
      return new TestKubelet(Tls.CONTEXT);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot listen", e);
    }
  }

  /** Its port on the loopback; see {@link KubeletNode}. */
  public int port() {
    return server.getAddress().getPort();
  }

  /** The log of a container, which runs from the first call on. */
  public RuntimeLog log(String namespace, String pod, String container) {
    return logs.computeIfAbsent(
        namespace + "/" + pod + "/" + container,
        path -> RuntimeLog.named(Integer.toHexString(path.hashCode())));
  }

  /** Forgets the containers of a pod; who reads their logs reads on. */
  public void remove(String namespace, String pod) {
    logs.keySet().removeIf(path -> path.startsWith(namespace + "/" + pod + "/"));
  }

  /** Ends all answers where they are, without an end that could be told from a network's. */
  public void cut() {
    cuts.incrementAndGet();
    logs.values().forEach(RuntimeLog::wake);
  }

  /** Waits so long before each answer. */
  public void delay(long millis) {
    delayMillis = millis;
  }

  /** What it was asked for, path and query. */
  public Queue<String> asked() {
    return asked;
  }

  /** Answers under way. */
  public int answering() {
    return answering.get();
  }

  private void answer(HttpExchange exchange) throws IOException {
    asked.add(exchange.getRequestURI().toString());
    answering.incrementAndGet();
    try {
      if (delayMillis > 0) {
        Thread.sleep(delayMillis);
      }
      logs(exchange);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      answering.decrementAndGet();
      exchange.close();
    }
  }

  private void logs(HttpExchange exchange) throws IOException, InterruptedException {
    String[] path = exchange.getRequestURI().getPath().substring(PATH.length()).split("/");
    Map<String, String> query = query(exchange.getRequestURI().getRawQuery());
    RuntimeLog log = path.length == PARTS ? logs.get(String.join("/", path)) : null;
    if (log == null) {
      refuse(exchange, NOT_FOUND, "pod \"" + String.join("/", path) + "\" not found");
      return;
    }
    boolean previous = Boolean.parseBoolean(query.get("previous"));
    int tail = Integer.parseInt(query.getOrDefault("tailLines", "-1"));
    int cutsThen = cuts.get();
    Optional<LogAnswer> answer =
        log.answer(
            previous,
            Boolean.parseBoolean(query.get("follow")),
            Instant.parse(query.getOrDefault("sinceTime", "1970-01-01T00:00:00Z")),
            () -> cuts.get() != cutsThen);
    if (answer.isEmpty()) {
      refuse(exchange, BAD_REQUEST, "previous terminated container \"" + path[2] + "\" not found");
      return;
    }
    if (!Boolean.parseBoolean(query.get("timestamps"))) {
      answer.get().withoutStamps();
    }
    answer.get().tail(tail);
    answer.get().limit(Long.parseLong(query.getOrDefault("limitBytes", NO_LIMIT)));
    write(exchange, answer.get());
  }

  private static void refuse(HttpExchange exchange, int code, String why) throws IOException {
    byte[] text = why.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(code, text.length);
    exchange.getResponseBody().write(text);
  }

  private static Map<String, String> query(String raw) {
    Map<String, String> query = new HashMap<>();
    for (String pair : (raw == null ? "" : raw).split("&")) {
      String[] parts = pair.split("=", 2);
      if (parts.length == 2) {
        query.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
      }
    }
    return query;
  }

  private void write(HttpExchange exchange, LogAnswer answer)
      throws IOException, InterruptedException {
    OutputStream body = null;
    byte[] bytes = answer.next();
    while (bytes.length > 0) {
      body = body == null ? begin(exchange) : body;
      body.write(bytes, 0, bytes.length);
      body.flush();
      answer.given();
      bytes = answer.next();
    }
    if (!answer.isCut()) {
      (body == null ? begin(exchange) : body).close();
    }
  }

  private static OutputStream begin(HttpExchange exchange) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "text/plain");
    exchange.sendResponseHeaders(OK, 0);
    return exchange.getResponseBody();
  }

  @Override
  public void close() {
    cut();
    server.stop(0);
    threads.shutdownNow();
  }

  /** The certificate that all kubelets of this JVM show; the API server does not look at it. */
  private static final class Tls {
    private static final String PASSWORD = "changeit";
    static final SSLContext CONTEXT = context();

    private static SSLContext context() {
      try {
        Path directory = Files.createTempDirectory("kubelet");
        Path file = directory.resolve("kubelet.p12");
        String ignored =
            Programs.run(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "kubelet",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-dname",
                "CN=kubelet",
                "-validity",
                "30",
                "-storetype",
                "PKCS12",
                "-keystore",
                file.toString(),
                "-storepass",
                PASSWORD);
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
          store.load(in, PASSWORD.toCharArray());
        }
        Files.delete(file);
        Files.delete(directory);
        KeyManagerFactory keys =
            KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
      } catch (IOException e) {
        throw new UncheckedIOException("cannot make a certificate", e);
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("every JDK has these", e);
      }
    }
  }
}
