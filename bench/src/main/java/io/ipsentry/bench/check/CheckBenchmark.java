package io.ipsentry.bench.check;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Checks against an echo, in pairs that follow each other: throughput, processor time and
 * allocation a call under full load (h2load), then latencies at a fixed rate.
 *
 * <p>Arguments: seconds of a measurement of latencies (0: none), pairs of measurements of
 * throughput, calls a second for the latencies, core of the server. Started by {@code
 * bench/check.sh}, which pins this JVM, and h2load with it, to the other core.
 */
public final class CheckBenchmark {
  private static final String ECHO = "echo";
  private static final int WARM_UP_CALLS = 400_000;

  /** Of a measurement: a third of a second, so that both of a pair see the same machine. */
  private static final int CALLS = 60_000;

  private static final int LATENCY_ROUNDS = 5;

  private static final Pattern RATE = Pattern.compile("finished in [^,]+, ([0-9.]+) req/s");
  private static final Pattern DONE =
      Pattern.compile("requests: \\d+ total, \\d+ started, (\\d+) done, (\\d+) succeeded");

  private final Process servers;
  private final BufferedReader answers;
  private final PrintWriter commands;
  private final Map<String, Integer> ports = new LinkedHashMap<>();
  private final Path directory;

  /** A measurement under full load. */
  private record Load(double callsPerSecond, double cpuMicros, double bytes) {}

  private CheckBenchmark(String core) throws IOException {
    servers =
        new ProcessBuilder(
                "taskset",
                "-c",
                core,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseParallelGC",
                "-XX:ParallelGCThreads=1",
                "-Xms1g",
                "-Xmx1g",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                CheckServers.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    answers = servers.inputReader(StandardCharsets.UTF_8);
    commands = new PrintWriter(servers.outputWriter(StandardCharsets.UTF_8), true);
    String line = answers.readLine();
    if (line == null || !line.startsWith("ports ")) {
      throw new IllegalStateException("the servers do not start: " + line);
    }
    String[] words = line.split(" ");
    for (int i = 1; i < words.length; i += 2) {
      ports.put(words[i], Integer.parseInt(words[i + 1]));
    }
    directory = Files.createTempDirectory("ip-sentry-check");
    Files.write(directory.resolve(ECHO), framed(Services.echoMessage()));
    Files.write(directory.resolve("check"), framed(Services.checkMessage()));
  }

  /** The message of a check, in the frame that gRPC puts around it. */
  public static byte[] framedCheck() {
    return framed(Services.checkMessage());
  }

  /** Asks a server on this machine over gRPC, so many times, one after the other. */
  public static void ask(int port, int calls) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
            .usePlaintext()
            .build();
    try {
      for (int i = 0; i < calls; i++) {
        ClientCalls.blockingUnaryCall(
            channel, Services.CHECK, CallOptions.DEFAULT, Services.checkMessage());
      }
    } finally {
      channel.shutdownNow();
    }
  }

  /** Runs it all. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    int seconds = Integer.parseInt(arguments[0]);
    int rounds = Integer.parseInt(arguments[1]);
    int rate = Integer.parseInt(arguments[2]);
    CheckBenchmark benchmark = new CheckBenchmark(arguments[3]);
    try {
      benchmark.throughput(rounds);
      if (seconds > 0) {
        benchmark.latencies(seconds, LATENCY_ROUNDS, rate);
      }
    } finally {
      benchmark.commands.close();
      benchmark.servers.destroy();
      Files.deleteIfExists(benchmark.directory.resolve(ECHO));
      Files.deleteIfExists(benchmark.directory.resolve("check"));
      Files.deleteIfExists(benchmark.directory);
    }
  }

  private void throughput(int rounds) throws IOException, InterruptedException {
    System.out.printf(
        "messages: echo %d bytes, check %d bytes%n",
        Services.echoMessage().length, Services.checkMessage().length);
    for (String service : ports.keySet()) {
      load(service, WARM_UP_CALLS);
    }
    Map<String, List<double[]>> pairs = new LinkedHashMap<>();
    for (int round = 0; round < rounds; round++) {
      for (String service : ports.keySet()) {
        if (service.equals(ECHO)) {
          continue;
        }
        // Which of a pair goes first alternates.
        Load first = load(round % 2 == 0 ? ECHO : service, CALLS);
        Load second = load(round % 2 == 0 ? service : ECHO, CALLS);
        Load echo = round % 2 == 0 ? first : second;
        Load other = round % 2 == 0 ? second : first;
        System.out.printf(
            "%-14s %,9.0f calls/s %6.2f us %6.0f B   echo %,9.0f calls/s %6.2f us %6.0f B%n",
            service,
            other.callsPerSecond(),
            other.cpuMicros(),
            other.bytes(),
            echo.callsPerSecond(),
            echo.cpuMicros(),
            echo.bytes());
        pairs
            .computeIfAbsent(service, name -> new ArrayList<>())
            .add(
                new double[] {
                  other.callsPerSecond() / echo.callsPerSecond(),
                  other.cpuMicros() / echo.cpuMicros(),
                  other.bytes() - echo.bytes(),
                  other.callsPerSecond(),
                  other.cpuMicros(),
                  other.bytes()
                });
      }
    }
    System.out.printf(
        "%nmedians of %d pairs%n%-14s %10s %12s %10s %12s %10s %12s%n",
        rounds, "", "calls/s", "of echo", "us/call", "of echo", "B/call", "over echo");
    pairs.forEach((service, values) ->
        System.out.printf(
            "%-14s %,10.0f %12.2f %10.2f %12.2f %10.0f %12.0f%n",
            service,
            median(values, 3),
            median(values, 0),
            median(values, 4),
            median(values, 1),
            median(values, 5),
            median(values, 2)));
  }

  private Load load(String service, int count) throws IOException, InterruptedException {
    boolean echo = service.equals(ECHO);
    String path = (echo ? Services.ECHO : Services.CHECK).getFullMethodName();
    long[] before = stats();
    Process h2load =
        new ProcessBuilder(
                "h2load",
                "-t1",
                "-c2",
                "-m32",
                "-n" + count,
                "-d",
                directory.resolve(echo ? ECHO : "check").toString(),
                "-H",
                "content-type: application/grpc",
                "-H",
                "te: trailers",
                "http://127.0.0.1:" + ports.get(service) + "/" + path)
            .redirectErrorStream(true)
            .start();
    String output = new String(h2load.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    h2load.waitFor();
    long[] after = stats();
    Matcher rate = RATE.matcher(output);
    Matcher done = DONE.matcher(output);
    if (!rate.find() || !done.find() || Long.parseLong(done.group(2)) == 0) {
      throw new IllegalStateException("h2load says: " + output);
    }
    double calls = Double.parseDouble(done.group(1));
    return new Load(
        Double.parseDouble(rate.group(1)),
        (after[0] - before[0]) / 1e3 / calls,
        (after[1] - before[1]) / calls);
  }

  private void latencies(int seconds, int rounds, int rate) throws InterruptedException {
    System.out.printf("%nat %,d calls/s, microseconds from when a call was due%n", rate);
    System.out.printf("%-14s %10s %10s %10s%n", "", "p50", "p99", "p999");
    Map<String, List<double[]>> latencies = new LinkedHashMap<>();
    for (int round = -1; round < rounds; round++) {
      for (Map.Entry<String, Integer> service : ports.entrySet()) {
        boolean echo = service.getKey().equals(ECHO);
        MethodDescriptor<byte[], byte[]> method = echo ? Services.ECHO : Services.CHECK;
        byte[] message = echo ? Services.echoMessage() : Services.checkMessage();
        OpenLoop.Latency latency = OpenLoop.run(service.getValue(), method, message, rate, seconds);
        if (latency.failure() != null) {
          throw new IllegalStateException(service + ": " + latency.failure());
        }
        // The first round is for the client to be compiled.
        if (round >= 0) {
          latencies
              .computeIfAbsent(service.getKey(), name -> new ArrayList<>())
              .add(new double[] {latency.p50(), latency.p99(), latency.p999()});
        }
      }
    }
    latencies.forEach((service, values) ->
        System.out.printf(
            "%-14s %10.0f %10.0f %10.0f%n",
            service, median(values, 0), median(values, 1), median(values, 2)));
  }

  private long[] stats() throws IOException {
    commands.println("stats");
    String line = answers.readLine();
    if (line == null) {
      throw new IllegalStateException("the servers have ended");
    }
    return Arrays.stream(line.split(" ")).mapToLong(Long::parseLong).toArray();
  }

  private static double median(List<double[]> rows, int column) {
    double[] values = rows.stream().mapToDouble(row -> row[column]).sorted().toArray();
    int middle = values.length / 2;
    return values.length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  }

  /** A message in the frame that gRPC puts around it. */
  private static byte[] framed(byte[] message) {
    return ByteBuffer.allocate(5 + message.length)
        .put((byte) 0)
        .putInt(message.length)
        .put(message)
        .array();
  }
}
