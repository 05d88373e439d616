import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * As much of an API server as processes ask for while their ahead-of-time caches are made: {@code
 * KEYSTORE PASSWORD ENVIRONMENT}. Objects of every kind are kept in memory, by their paths;
 * listings and watches select by label; whoever asks may do anything. Writes into ENVIRONMENT, as
 * lines of a shell, what points a client here, when it listens.
 *
 * <p>For training alone: nothing is checked. Started by the launcher as a source file, on the
 * loopback address, until it is killed.
 */
final class TrainingCluster {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int NOT_FOUND = 404;
  private static final int CONFLICT = 409;

  private final TreeMap<String, ObjectNode> objects = new TreeMap<>();
  private final List<Change> changes = new ArrayList<>();
  private long version = 1;

  private record Change(long version, String path, String type, ObjectNode object) {}

  public static void main(String[] args) throws Exception {
    char[] password = args[1].toCharArray();
    KeyStore keys = KeyStore.getInstance(Path.of(args[0]).toFile(), password);
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(keys, password);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(factory.getKeyManagers(), null, null);
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(tls));
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    TrainingCluster cluster = new TrainingCluster();
    server.createContext("/", cluster::answer);
    server.start();
    Certificate certificate = keys.getCertificate(keys.aliases().nextElement());
    String pem =
        "-----BEGIN CERTIFICATE-----\n"
            + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate.getEncoded())
            + "\n-----END CERTIFICATE-----\n";
    Path environment = Path.of(args[2]);
    Path written = environment.resolveSibling(environment.getFileName() + ".new");
    Files.writeString(
        written,
        "export KUBECONFIG=/nonexistent KUBERNETES_AUTH_TOKEN=training"
            + " KUBERNETES_NAMESPACE=default\n"
            + "export KUBERNETES_MASTER=https://localhost:"
            + server.getAddress().getPort()
            + "/\nexport KUBERNETES_CERTS_CA_DATA="
            + Base64.getEncoder().encodeToString(pem.getBytes(StandardCharsets.US_ASCII))
            + '\n');
    Files.move(written, environment);
  }

  private void answer(HttpExchange call) throws IOException {
    String path = call.getRequestURI().getPath();
    Map<String, String> query = query(call.getRequestURI().getRawQuery());
    JsonNode sent;
    try (InputStream body = call.getRequestBody()) {
      byte[] bytes = body.readAllBytes();
      sent = bytes.length == 0 ? JSON.createObjectNode() : JSON.readTree(bytes);
    }
    switch (call.getRequestMethod()) {
      case "GET" -> {
        if (query.getOrDefault("watch", "").equals("true")) {
          watch(call, path, query);
        } else {
          get(call, path, query);
        }
      }
      case "POST" -> write(call, path + '/' + name(sent), sent, false);
      case "PUT" -> write(call, path, sent, true);
      case "DELETE" -> delete(call, path);
      default -> send(call, NOT_FOUND, status(NOT_FOUND, "NotFound"));
    }
  }

  private static String name(JsonNode object) {
    String name = object.at("/metadata/name").asText();
    return name.isEmpty() ? UUID.randomUUID().toString() : name;
  }

  private static Map<String, String> query(String raw) {
    Map<String, String> query = new HashMap<>();
    for (String part : (raw == null ? "" : raw).split("&")) {
      int equals = part.indexOf('=');
      if (equals > 0) {
        query.put(
            part.substring(0, equals),
            URLDecoder.decode(part.substring(equals + 1), StandardCharsets.UTF_8));
      }
    }
    return query;
  }

  private void get(HttpExchange call, String path, Map<String, String> query) throws IOException {
    ObjectNode answer;
    synchronized (this) {
      answer = objects.get(path);
      // A collection's name is a plural; an object's is none of those that are asked for here.
      if (answer == null && path.matches(".*/[a-z]+s")) {
        answer = JSON.createObjectNode();
        answer.put("kind", "List").put("apiVersion", "v1");
        answer.putObject("metadata").put("resourceVersion", Long.toString(version));
        ArrayNode items = answer.putArray("items");
        objects.forEach((key, object) -> {
          if (key.substring(0, key.lastIndexOf('/')).equals(path) && selected(object, query)) {
            items.add(object);
          }
        });
      }
    }
    if (answer == null) {
      send(call, NOT_FOUND, status(NOT_FOUND, "NotFound"));
    } else {
      send(call, 200, answer);
    }
  }

  /** Label selectors as {@code a=b,c in (d,e)}. */
  private static boolean selected(JsonNode object, Map<String, String> query) {
    JsonNode labels = object.at("/metadata/labels");
    for (String part : query.getOrDefault("labelSelector", "").split(",(?![^(]*\\))")) {
      String[] sides = part.split("=| in ", 2);
      if (sides.length == 2
          && !List.of(sides[1].replaceAll("[()]", "").split(","))
              .contains(labels.path(sides[0]).asText())) {
        return false;
      }
    }
    return true;
  }

  private void write(HttpExchange call, String path, JsonNode sent, boolean replaces)
      throws IOException {
    if (!(sent instanceof ObjectNode object) || !path.contains("/namespaces/")) {
      // A review: whoever it is may.
      ObjectNode review = (ObjectNode) sent;
      review.withObject("/status").put("allowed", true).put("authenticated", true);
      send(call, 201, review);
      return;
    }
    synchronized (this) {
      ObjectNode known = objects.get(path);
      String replaced = object.at("/metadata/resourceVersion").asText();
      boolean fits =
          replaces
              ? known != null
                  && (replaced.isEmpty()
                      || replaced.equals(known.at("/metadata/resourceVersion").asText()))
              : known == null;
      if (fits) {
        version++;
        ObjectNode metadata = object.withObject("/metadata");
        metadata.put("name", path.substring(path.lastIndexOf('/') + 1));
        metadata.put("namespace", "default").put("resourceVersion", Long.toString(version));
        metadata.put(
            "uid",
            known == null ? UUID.randomUUID().toString() : known.at("/metadata/uid").asText());
        objects.put(path, object);
        changes.add(
            new Change(version, path, known == null ? "ADDED" : "MODIFIED", object.deepCopy()));
        notifyAll();
      } else {
        sent = null;
      }
    }
    if (sent == null) {
      send(call, CONFLICT, status(CONFLICT, replaces ? "Conflict" : "AlreadyExists"));
    } else {
      send(call, replaces ? 200 : 201, object);
    }
  }

  private void delete(HttpExchange call, String path) throws IOException {
    ObjectNode gone;
    synchronized (this) {
      gone = objects.remove(path);
      if (gone != null) {
        version++;
        changes.add(new Change(version, path, "DELETED", gone));
        notifyAll();
      }
    }
    send(call, gone == null ? NOT_FOUND : 200, gone == null ? status(NOT_FOUND, "NotFound") : gone);
  }

  private void watch(HttpExchange call, String path, Map<String, String> query) throws IOException {
    long seen = Long.parseLong(query.getOrDefault("resourceVersion", "0"));
    int next = 0;
    call.getResponseHeaders().add("Content-Type", "application/json");
    call.sendResponseHeaders(200, 0);
    try (OutputStream out = call.getResponseBody()) {
      out.flush();
      while (true) {
        Change change;
        synchronized (this) {
          while (next == changes.size()) {
            wait();
          }
          change = changes.get(next);
          next++;
        }
        boolean shown = path.equals(change.path().substring(0, change.path().lastIndexOf('/')));
        if (shown && change.version() > seen && selected(change.object(), query)) {
          ObjectNode told = JSON.createObjectNode();
          told.put("type", change.type());
          told.set("object", change.object());
          out.write(JSON.writeValueAsBytes(told));
          out.write('\n');
          out.flush();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static ObjectNode status(int code, String reason) {
    return JSON.createObjectNode()
        .put("kind", "Status")
        .put("apiVersion", "v1")
        .put("status", "Failure")
        .put("code", code)
        .put("reason", reason)
        .put("message", reason);
  }

  private static void send(HttpExchange call, int code, JsonNode body) throws IOException {
    byte[] bytes = JSON.writeValueAsBytes(body);
    call.getResponseHeaders().add("Content-Type", "application/json");
    call.sendResponseHeaders(code, bytes.length);
    try (OutputStream out = call.getResponseBody()) {
      out.write(bytes);
    }
  }
}
