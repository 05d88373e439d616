package io.ipsentry.conformance.program;

import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code ip-sentry run} as a process that can be stopped, killed and started again on the same
 * store.
 *
 * <p>Everything it needs lies in one directory: {@code config.yaml}, the store, the admin socket,
 * and {@code run.log} with its standard error.
 */
public final class RunningIpSentry implements AutoCloseable {
  /** Until a process is ready, or ended, or knows what it was told. */
  public static final Duration PATIENCE = ProgramProcess.PATIENCE;

  private static final Pattern HISTOGRAM_TOTAL = Pattern.compile("(?m)^Total +\\d+ +(\\d+)");

  private final Path directory;
  private final MetricsPort metrics = new MetricsPort();
  private final UnaryOperator<List<String>> wrapper;
  private final String admin;
  private final ProgramProcess process;

  private RunningIpSentry(Path directory, UnaryOperator<List<String>> wrapper, String admin) {
    this.directory = directory;
    process = new ProgramProcess("run", directory);
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
      program.process.awaitReady(program::answers);
    });
    return program;
  }

  /** A process that does not get ready must not outlive the test. */
  private void orClose(Runnable starting) {
    try {
      starting.run();
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** Starts it again after {@link #stop} or {@link #kill}. */
  public void start() {
    launch();
    process.awaitReady(() -> metrics.status("/readyz") == 200);
  }

  /** Starts the process without waiting until it is ready. */
  public void launch() {
    process.start(
        wrapper.apply(IpSentry.command(List.of("run", "--config", configFile().toString()))));
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
                .formatted(directory, metrics.port())
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
    return metrics.metric(sample);
  }

  /** The body of {@code /metrics}. */
  public String metrics() {
    return metrics.body("/metrics");
  }

  /** Bytes of the objects that are alive in its heap; it collects them all for that. */
  public long liveHeapBytes() {
    String histogram =
        Programs.run(
            Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
            Long.toString(process.pid()),
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
      return Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "status")).stream()
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
    return metrics.status("/readyz") == 0 ? "not reachable" : metrics.body("/readyz").strip();
  }

  /** Ends it with SIGTERM and returns its exit code. */
  public int stop() {
    return process.stop();
  }

  /** Ends it with SIGKILL. */
  public void kill() {
    int ignored = process.kill();
  }

  /** What it logged, of all its processes. */
  public String log() {
    return process.log();
  }

  @Override
  public void close() {
    process.close();
    metrics.close();
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
}
