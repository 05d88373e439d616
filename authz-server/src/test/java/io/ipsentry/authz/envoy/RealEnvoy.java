package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * An Envoy that runs: one on the PATH, or one fetched by {@code authz-server/get-envoy.sh}. Its
 * output lies in {@code NAME.log} of its directory.
 */
final class RealEnvoy implements AutoCloseable {
  private static final Path FETCHED =
      Path.of(System.getProperty("user.home"), ".cache", "ip-sentry", "envoy");
  private static final Pattern LISTENER = Pattern.compile("(\\w+)::127\\.0\\.0\\.1:(\\d+)");

  private final Process process;
  private final Map<String, Integer> ports = new ConcurrentHashMap<>();

  private RealEnvoy(Process process) {
    this.process = process;
  }

  /** The program; the test is skipped where there is none. */
  static Path require() throws IOException {
    List<Path> places = new ArrayList<>();
    for (String place : System.getenv("PATH").split(":", -1)) {
      places.add(Path.of(place, "envoy"));
    }
    if (Files.isDirectory(FETCHED)) {
      try (Stream<Path> versions = Files.list(FETCHED)) {
        versions.sorted().forEach(version -> places.add(version.resolve("envoy")));
      }
    }
    Path envoy = places.stream().filter(Files::isExecutable).findFirst().orElse(null);
    Assumptions.assumeTrue(
        envoy != null, "no envoy on the PATH or in " + FETCHED + "; authz-server/get-envoy.sh");
    return Objects.requireNonNull(envoy);
  }

  /**
   * Starts it and waits until it listens.
   *
   * @param config YAML without {@code admin}
   * @param listeners names of those on 127.0.0.1 with port 0
   */
  static RealEnvoy start(
      Path program, Path directory, String name, String config, Set<String> listeners)
      throws IOException {
    Path file = directory.resolve(name + ".yaml");
    Files.writeString(
        file, "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}\n" + config);
    Path admin = directory.resolve(name + "-admin");
    Path output = directory.resolve(name + ".log");
    RealEnvoy envoy =
        new RealEnvoy(
            new ProcessBuilder(
                    program.toString(),
                    "-c",
                    file.toString(),
                    "--concurrency",
                    "1",
                    "--use-dynamic-base-id",
                    "--log-level",
                    "warn",
                    "--admin-address-path",
                    admin.toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start());
    try (HttpClient client =
        HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build()) {
      await("envoy's listeners")
          .atMost(Duration.ofSeconds(30))
          .until(() -> {
            assertThat(envoy.process.isAlive()).as(Files.readString(output)).isTrue();
            if (!Files.exists(admin) || Files.readString(admin).isEmpty()) {
              return false;
            }
            envoy.readPorts(client, Files.readString(admin));
            return envoy.ports.keySet().containsAll(listeners);
          });
    } catch (RuntimeException | Error e) {
      envoy.close();
      throw e;
    }
    return envoy;
  }

  private void readPorts(HttpClient client, String admin) throws IOException, InterruptedException {
    HttpResponse<String> listed =
        client.send(
            HttpRequest.newBuilder(URI.create("http://" + admin + "/listeners")).build(),
            HttpResponse.BodyHandlers.ofString());
    Matcher matcher = LISTENER.matcher(listed.body());
    while (matcher.find()) {
      ports.put(matcher.group(1), Integer.parseInt(matcher.group(2)));
    }
  }

  /** Ports by the names of listeners. */
  Map<String, Integer> ports() {
    return Map.copyOf(ports);
  }

  @Override
  public void close() {
    process.destroy();
    process.onExit().join();
  }
}
