package io.ipsentry.stage;

import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.cluster.ServerProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A process of ip-sentry: a watcher, an authz-server or an enforcer, in its network namespace, that
 * can be ended in any way and started again. Safe for any thread, one ending or start at a time.
 */
public final class StageProcess {
  private static final int METRICS_PORT = 9003;
  private static final int FORWARD_AUTH_PORT = 9002;
  private static final int OK = 200;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final String name;
  private final String component;
  private final NetworkNamespace namespace;
  private final String address;
  private final Path directory;
  private final ServerProcess process;
  private final Endpoint endpoint;

  /** Who is told whether connections may come. */
  interface Endpoint {
    /** Of processes that nobody connects to by a Service. */
    Endpoint NONE = ready -> {};

    void ready(boolean isReady);
  }

  /**
   * Starts nothing yet.
   *
   * @param name such as {@code watcher-0}
   * @param address where its metrics are, within the namespace
   * @param directory of its own
   */
  StageProcess(
      String name,
      String component,
      NetworkNamespace namespace,
      String address,
      Path directory,
      Endpoint endpoint) {
    this.name = name;
    this.component = component;
    this.namespace = namespace;
    this.address = address;
    this.directory = directory;
    this.endpoint = endpoint;
    process =
        new ServerProcess(
            name,
            namespace.command(
                Program.command(component, List.of("--config", configuration().toString()))),
            directory.resolve("log"),
            () -> status("/readyz") == OK,
            StageOptions.PATIENCE);
  }

  /** Such as {@code watcher-0}, {@code authz-server-1}, {@code enforcer-2}. */
  public String name() {
    return name;
  }

  /** Where it is, within its network. */
  String address() {
    return address;
  }

  /** Its configuration, which it reads again when it is written over. */
  public Path configuration() {
    return directory.resolve("config.yaml");
  }

  /** Writes its configuration in the place of the one before. */
  void configure(String yaml) {
    try {
      Path next = Files.writeString(directory.resolve("next.yaml"), yaml);
      // By a rename, so that nobody reads half of it.
      Path ignored =
          Files.move(
              next,
              configuration(),
              StandardCopyOption.REPLACE_EXISTING,
              StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the configuration of " + name, e);
    }
  }

  /** Starts it, and waits until it is ready. */
  public void start() {
    launch();
    awaitReady();
  }

  /** Starts it without waiting. */
  public void launch() {
    process.launch();
  }

  /** Waits until it is ready, and lets connections come. */
  public void awaitReady() {
    process.awaitReady();
    endpoint.ready(true);
  }

  /** Ends it as a rollout does: no more connections, SIGTERM, the end. */
  public void stop() {
    endpoint.ready(false);
    process.stop();
  }

  /** Ends it by SIGKILL; connections go there until it is seen to be away. */
  public void kill() {
    process.kill();
    endpoint.ready(false);
  }

  /** Stops it in its tracks (SIGSTOP). */
  public void freeze() {
    process.freeze();
  }

  /** Lets it go on after {@link #freeze}. */
  public void thaw() {
    process.thaw();
  }

  /** Whether there is a process. */
  public boolean isRunning() {
    return process.isRunning();
  }

  /** Number of the process. */
  public long pid() {
    return process.pid();
  }

  /** Memory that is resident now, in bytes. */
  public long residentBytes() {
    return process.residentBytes();
  }

  /** What it logged, of all its starts: one JSON object a line. */
  public List<String> log() {
    return process.log().lines().toList();
  }

  /** Value of a sample of its metrics; empty if there is none, or no process. */
  public OptionalDouble metric(String sample) {
    return sample(metrics(), sample);
  }

  /** Value of a sample in {@link #metrics}. */
  public static OptionalDouble sample(String metrics, String sample) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(sample + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(sample.length() + 1)))
        .findFirst();
  }

  /** Its metrics in the text format; empty while it does not answer. */
  public String metrics() {
    return get("/metrics").map(Answer::body).orElse("");
  }

  /** Status of a path beside the metrics, such as {@code /readyz}; 0: nobody answers. */
  public int status(String path) {
    return get(path).map(Answer::status).orElse(0);
  }

  /** What {@code /readyz} says: nothing to say, or one reason a line; empty: nobody answers. */
  public String readiness() {
    return get("/readyz").map(Answer::body).orElse("");
  }

  /**
   * What an authz-server says of somebody who asks for the shop's first page, which no rule looks
   * for.
   *
   * @return 200, 403, or 503 while it cannot judge; 0: nobody answers
   */
  public int verdict(String client) {
    String head =
        """
        GET /forward-auth HTTP/1.0
        Host: %s
        X-Forwarded-For: %s
        X-Forwarded-Method: GET
        X-Forwarded-Host: shop.example
        X-Forwarded-Uri: /
        """
            .formatted(name, client)
            .replace("\n", "\r\n");
    return ask(FORWARD_AUTH_PORT, head).map(Answer::status).orElse(0);
  }

  private Optional<Answer> get(String path) {
    return ask(METRICS_PORT, "GET " + path + " HTTP/1.0\r\nHost: " + name + "\r\n");
  }

  private Optional<Answer> ask(int port, String head) {
    return Http.ask(namespace, "", address, port, head, PATIENCE);
  }

  /** Whether it is the watcher that leads, by its metrics. */
  public boolean leads() {
    return metric("ip_sentry_leader").orElse(0) == 1;
  }

  /** The admin socket of a watcher, for operators on its host. */
  public Path socket() {
    if (!component.equals("watcher")) {
      throw new IllegalStateException(name + " has no admin socket");
    }
    return directory.resolve("admin.sock");
  }

  void close() {
    process.close();
  }
}
