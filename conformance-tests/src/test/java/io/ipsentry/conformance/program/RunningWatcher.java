package io.ipsentry.conformance.program;

import io.grpc.StatusRuntimeException;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.BanMessages;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.proto.v1.BanResponse;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.HistoryRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * {@code ip-sentry watcher} as a process that can be stopped, killed and started again. Everything
 * it needs lies in one directory, the access log that it follows too.
 */
public final class RunningWatcher implements AutoCloseable {
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT).withZone(ZoneOffset.UTC);

  private final Path directory;
  private final MetricsPort metrics = new MetricsPort();
  private final int adminPort = Gateways.freePort();
  private final ProgramProcess process;
  private @Nullable AdminChannel channel;

  private RunningWatcher(Path directory) {
    this.directory = directory;
    process = new ProgramProcess("watcher", directory);
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param directory of its own, short enough for a Unix socket in it
   * @param store YAML of {@code store}, in one line; {@code %d} in it is the port of the admin API
   *     over TCP
   * @param more YAML beside sources, store, admin and metrics
   */
  public static RunningWatcher start(Path directory, String store, String more) {
    return start(directory, store, "", more);
  }

  /**
   * As {@link #start(Path, String, String)}, with a source beside the access log.
   *
   * @param source YAML in one line; empty: none
   */
  public static RunningWatcher start(Path directory, String store, String source, String more) {
    return start(directory, store, source, "insecure: true\n", more);
  }

  /**
   * As {@link #start(Path, String, String, String)}.
   *
   * @param admin YAML, a line each: further keys of {@code admin}, such as its {@code tls}
   */
  public static RunningWatcher start(
      Path directory, String store, String source, String admin, String more) {
    RunningWatcher watcher = new RunningWatcher(directory);
    try {
      if (Files.notExists(watcher.accessLog())) {
        Files.createFile(watcher.accessLog());
      }
      Files.writeString(
          watcher.configFile(),
          """
          sources: [{ name: nginx, file: %1$s/access.log, format: combined }%5$s]
          store: %2$s
          admin:
            socket: %1$s/admin.sock
            listen: "127.0.0.1:%4$d"
            kubernetesAuth: true
          %6$smetrics: { listen: "127.0.0.1:%3$d" }
          """
                  .formatted(
                      directory,
                      store.formatted(watcher.adminPort),
                      watcher.metrics.port(),
                      watcher.adminPort,
                      source.isEmpty() ? "" : ", " + source,
                      admin.indent(2))
              + more);
      watcher.start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the configuration", e);
    } catch (RuntimeException | Error e) {
      watcher.close();
      throw e;
    }
    return watcher;
  }

  /** Starts it again after {@link #stop} or {@link #kill}. */
  public void start() {
    launch();
    process.awaitReady(() -> status("/readyz") == 200);
  }

  /** Starts the process without waiting until it is ready. */
  public void launch() {
    process.start(IpSentry.command(List.of("watcher", "--config", configFile().toString())));
  }

  /** Where it says that its admin API is reached. */
  public String address() {
    return "127.0.0.1:" + adminPort;
  }

  private Path configFile() {
    return directory.resolve("config.yaml");
  }

  private Path accessLog() {
    return directory.resolve("access.log");
  }

  /** Writes lines of a client that probes, of this moment, to the access log. */
  public void probe(String address, int times) {
    String line =
        "%s - - [%s] \"GET /.env HTTP/1.1\" 404 153 \"-\" \"curl\"\n"
            .formatted(address, STAMP.format(Instant.now()));
    try {
      Files.writeString(
          accessLog(),
          line.repeat(times),
          StandardCharsets.UTF_8,
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the access log", e);
    }
  }

  /** Runs an operator command against it. */
  public IpSentry.Result command(String name, String... arguments) {
    String[] all = new String[arguments.length + 3];
    all[0] = name;
    all[1] = "--socket";
    all[2] = directory.resolve("admin.sock").toString();
    System.arraycopy(arguments, 0, all, 3, arguments.length);
    return IpSentry.run(all);
  }

  /** Events, newest first; empty while it does not answer. */
  public List<SequencedEvent> history() {
    try {
      return BanServiceGrpc.newBlockingStub(channel().channel())
          .withDeadlineAfter(20, TimeUnit.SECONDS)
          .history(HistoryRequest.newBuilder().setPageSize(10_000).build())
          .getEventsList()
          .stream()
          .map(WireMessages::event)
          .toList();
    } catch (StatusRuntimeException e) {
      return List.of();
    }
  }

  /**
   * Bans an address for good, as an operator: asked for again, that is one ban.
   *
   * @return number of the event; 0: it was banned already; empty: there was no answer, or none that
   *     tells
   */
  public OptionalLong ban(String address) {
    try {
      BanResponse response =
          BanServiceGrpc.newBlockingStub(channel().channel())
              .withDeadlineAfter(20, TimeUnit.SECONDS)
              .ban(BanMessages.ban(IpPrefix.parse(address), null, "", "operator"));
      return OptionalLong.of(response.hasBanned() ? response.getBanned().getBan().getSeq() : 0);
    } catch (StatusRuntimeException e) {
      return OptionalLong.empty();
    }
  }

  private synchronized AdminChannel channel() {
    AdminChannel open = channel;
    if (open == null) {
      open = AdminChannel.open(new AdminEndpoint.Socket(directory.resolve("admin.sock")));
      channel = open;
    }
    return open;
  }

  /** Whether it leads, by its metrics. */
  public boolean leads() {
    return metric("ip_sentry_leader").orElse(0) == 1;
  }

  /** Value of a sample of {@code /metrics}; empty if there is none. */
  public OptionalDouble metric(String sample) {
    return metrics.metric(sample);
  }

  /** The body of {@code /metrics}. */
  public String metrics() {
    return metrics.body("/metrics");
  }

  /** Status of a path beside the metrics; 0: nobody listens. */
  public int status(String path) {
    return metrics.status(path);
  }

  /** What {@code /readyz} says. */
  public String readiness() {
    return metrics.body("/readyz");
  }

  /** Whether the process runs. */
  public boolean isAlive() {
    return process.isAlive();
  }

  /** Stops it in its tracks (SIGSTOP). */
  public void freeze() {
    process.signal("STOP");
  }

  /** Lets it go on after {@link #freeze}. */
  public void thaw() {
    process.signal("CONT");
  }

  /** Waits until it has ended by itself, and returns its exit code. */
  public int awaitEnd() {
    return process.awaitEnd();
  }

  /** Ends it with SIGTERM and returns its exit code. */
  public int stop() {
    return process.stop();
  }

  /** Ends it with SIGKILL and returns its exit code. */
  public int kill() {
    return process.kill();
  }

  /** What it told on standard error: its log, and why it ended. */
  public String log() {
    return process.log();
  }

  @Override
  public void close() {
    process.close();
    if (channel != null) {
      channel.close();
    }
    metrics.close();
  }
}
