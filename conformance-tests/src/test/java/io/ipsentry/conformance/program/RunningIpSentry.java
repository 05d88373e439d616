package io.ipsentry.conformance.program;

import static org.awaitility.Awaitility.await;

import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * {@code ip-sentry run} as a process that can be stopped, killed and started again on the same
 * store.
 *
 * <p>Everything it needs lies in one directory: {@code config.yaml}, the store, the admin socket,
 * and {@code run.log} with its standard error.
 */
public final class RunningIpSentry implements AutoCloseable {
  /** Until a process is ready, or ended. */
  public static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final Pattern HISTOGRAM_TOTAL = Pattern.compile("(?m)^Total +\\d+ +(\\d+)");

  private final Path directory;
  private final int metricsPort;
  private final UnaryOperator<List<String>> wrapper;
  private final String admin;
  private final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private @Nullable Process process;

  private RunningIpSentry(Path directory, UnaryOperator<List<String>> wrapper, String admin) {
    this.directory = directory;
    this.metricsPort = freePort();
    this.wrapper = wrapper;
    this.admin = admin;
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param directory short enough for a Unix socket in it
   * @param config YAML without store, admin and metrics
   */
  public static RunningIpSentry start(Path directory, String config) {
    return start(directory, config, "");
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param config YAML without store, admin and metrics
   * @param admin YAML, a line each: further keys of {@code admin}
   */
  public static RunningIpSentry start(Path directory, String config, String admin) {
    RunningIpSentry program = new RunningIpSentry(directory, UnaryOperator.identity(), admin);
    program.configure(config);
    program.orClose(program::start);
    return program;
  }

  /**
   * Starts it with another command in front, such as one that enters a network namespace; it is
   * taken for ready when the admin socket answers.
   */
  public static RunningIpSentry startIn(
      UnaryOperator<List<String>> wrapper, Path directory, String config) {
    RunningIpSentry program = new RunningIpSentry(directory, wrapper, "");
    program.configure(config);
    program.orClose(() -> {
      program.launch();
      await("admin socket").atMost(PATIENCE).until(() -> program.isEnded() || program.answers());
      program.requireAlive();
    });
    return program;
  }

  /** A process that does not get ready must not outlive the test. */
  private void orClose(Runnable starting) {
    try {
      starting.run();
    } catch (RuntimeException | Error e) {
      System.out.println("run.log: " + log());
      close();
      throw e;
    }
  }

  /** Starts it again after {@link #stop} or {@link #kill}. */
  public void start() {
    launch();
    await("ready").atMost(PATIENCE).until(() -> isEnded() || get("/readyz").orElse(0) == 200);
    requireAlive();
  }

  /** Starts the process without waiting until it is ready. */
  public void launch() {
    try {
      process =
          new ProcessBuilder(
                  wrapper.apply(
                      IpSentry.command(List.of("run", "--config", configFile().toString()))))
              .redirectInput(Path.of("/dev/null").toFile())
              .redirectOutput(
                  ProcessBuilder.Redirect.appendTo(directory.resolve("run.out").toFile()))
              .redirectError(
                  ProcessBuilder.Redirect.appendTo(directory.resolve("run.log").toFile()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start the program", e);
    }
  }

  /** Replaces the configuration, in one step as an editor does. */
  public void configure(String config) {
    String whole =
        config
            + """
            store: { path: %1$s/ip-sentry.db }
            metrics: { listen: "127.0.0.1:%2$d" }
            admin:
              socket: %1$s/admin.sock
            """
                .formatted(directory, metricsPort)
            + admin.indent(2);
    try {
      Path written = Files.writeString(directory.resolve("config.yaml.new"), whole);
      Files.move(
          written,
          configFile(),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the configuration", e);
    }
  }

  /** Runs an operator command against it. */
  public IpSentry.Result command(String name, String... arguments) {
    String[] all = new String[arguments.length + 3];
    all[0] = name;
    // Not by the configuration: a test may have broken it on purpose.
    all[1] = "--socket";
    all[2] = socket().toString();
    System.arraycopy(arguments, 0, all, 3, arguments.length);
    return IpSentry.run(all);
  }

  /** Bans that hold now, as {@code list -o json} prints them. */
  public List<Map<String, String>> list() {
    return json("list");
  }

  /** Events, as {@code history -o json} prints them. */
  public List<Map<String, String>> history() {
    return json("history");
  }

  /** Value of a sample of {@code /metrics}, by its name with labels; empty if there is none. */
  public OptionalDouble metric(String sample) {
    HttpResponse<String> response = fetch("/metrics");
    return response == null
        ? OptionalDouble.empty()
        : response
            .body()
            .lines()
            .filter(line -> line.startsWith(sample + " "))
            .mapToDouble(line -> Double.parseDouble(line.substring(sample.length() + 1)))
            .findFirst();
  }

  /** The body of {@code /metrics}. */
  public String metrics() {
    HttpResponse<String> response = fetch("/metrics");
    if (response == null) {
      throw new AssertionError("no metrics: " + log());
    }
    return response.body();
  }

  /** Bytes of the objects that are alive in its heap; it collects them all for that. */
  public long liveHeapBytes() {
    String histogram =
        Programs.run(
            Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
            Long.toString(running().pid()),
            "GC.class_histogram");
    Matcher total = HISTOGRAM_TOTAL.matcher(histogram);
    if (!total.find()) {
      throw new AssertionError("no total: " + histogram);
    }
    return Long.parseLong(total.group(1));
  }

  /** Its memory as the system counts it. */
  public long residentBytes() {
    try {
      return Files.readAllLines(Path.of("/proc", Long.toString(running().pid()), "status")).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the memory of the process", e);
    }
  }

  /** The body of {@code /readyz}, {@code ready} when it is. */
  public String readiness() {
    HttpResponse<String> response = fetch("/readyz");
    return response == null ? "not reachable" : response.body().strip();
  }

  /** Ends it with SIGTERM and returns its exit code. */
  public int stop() {
    Process running = running();
    running.destroy();
    return awaitEnd(running);
  }

  /** Ends it with SIGKILL. */
  public void kill() {
    Process running = running();
    // A command in front (ip netns exec) replaces itself, so this is the program.
    running.destroyForcibly();
    int ignored = awaitEnd(running);
  }

  /** What it logged, of all its processes. */
  public String log() {
    try {
      return Files.readString(directory.resolve("run.log"), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read run.log", e);
    }
  }

  @Override
  public void close() {
    if (process != null && process.isAlive()) {
      kill();
    }
    client.close();
  }

  /** Its admin socket. */
  public Path socket() {
    return directory.resolve("admin.sock");
  }

  private Path configFile() {
    return directory.resolve("config.yaml");
  }

  private List<Map<String, String>> json(String command) {
    IpSentry.Result result = command(command, "-o", "json");
    if (result.exitCode() != 0) {
      throw new AssertionError(command + " ended with " + result.exitCode() + ": " + result.err());
    }
    return result.json();
  }

  private boolean answers() {
    return Files.exists(socket()) && command("list", "-o", "json").exitCode() == 0;
  }

  private void requireAlive() {
    if (isEnded()) {
      throw new AssertionError("ip-sentry run ended: " + log());
    }
  }

  private boolean isEnded() {
    return !running().isAlive();
  }

  private Process running() {
    if (process == null) {
      throw new IllegalStateException("the program was not started");
    }
    return process;
  }

  private int awaitEnd(Process running) {
    try {
      if (!running.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        running.destroyForcibly();
        throw new AssertionError("ip-sentry run does not end: " + log());
      }
      return running.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while the program ended", e);
    }
  }

  private Optional<Integer> get(String path) {
    return Optional.ofNullable(fetch(path)).map(HttpResponse::statusCode);
  }

  /** Null when nobody listens (yet). */
  private @Nullable HttpResponse<String> fetch(String path) {
    try {
      return client.send(
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + metricsPort + path))
              .timeout(Duration.ofSeconds(10))
              .build(),
          BodyHandlers.ofString());
    } catch (IOException e) {
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while asking the program", e);
    }
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("no free port", e);
    }
  }
}
