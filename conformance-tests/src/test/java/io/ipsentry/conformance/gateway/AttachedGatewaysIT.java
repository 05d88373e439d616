package io.ipsentry.conformance.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the README promises, with the program, the files of {@code docs/examples} and the real
 * gateways: in a network namespace they keep the very addresses and ports that people copy, and
 * clients are public ones.
 */
@RequiresRoot
@RequiresProgram("ip")
final class AttachedGatewaysIT {
  private static final String SERVER = "203.0.113.1";
  private static final String BANNED = "203.0.113.7";
  private static final String OTHER = "203.0.113.8";
  private static final String PROBER = "203.0.113.9";
  private static final String HTTP_PORT = "80";
  private static final String APPLICATION_PORT = "8080";

  /** In place of the example's time-out, which an overloaded machine may exceed: it fails open. */
  private static final String PATIENT_MS = "20000ms";

  @TempDir private Path directory;

  private final List<Process> processes = new ArrayList<>();
  private NetworkNamespace host;
  private NetworkNamespace world;

  @BeforeEach
  void connect() {
    host = NetworkNamespace.create("host");
    world = NetworkNamespace.create("world");
    NetworkNamespace.connect(
        "veth0",
        host,
        List.of(SERVER + "/24"),
        world,
        List.of(BANNED + "/24", OTHER + "/24", PROBER + "/24"));
  }

  @AfterEach
  void end() throws InterruptedException {
    for (Process process : processes) {
      process.destroy();
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    }
    world.close();
    host.close();
  }

  @Test
  @RequiresProgram("nginx")
  void nginx_asOfTheReadme_refusesTheNextRequest() throws IOException {
    Path config =
        file(
            "nginx.conf",
            Map.of("/var/log/nginx/access.log", directory + "/access.log", "200ms", PATIENT_MS));
    String options = "daemon off; error_log " + directory + "/error.log;";
    refuses("nginx", "-c", config.toString(), "-g", options + " pid " + directory + "/pid;");

    assertThat(directory.resolve("access.log")).content().contains("\"ip_sentry\":\"banned\"");
  }

  @Test
  @RequiresProgram("caddy")
  void caddy_asOfTheReadme_refusesTheNextRequest() throws IOException {
    Path config = file("Caddyfile", Map.of());
    refuses("caddy", "run", "--adapter", "caddyfile", "--config", config.toString());
  }

  @Test
  @RequiresProgram("haproxy")
  void haproxy_asOfTheGuide_refusesTheNextRequest() throws IOException {
    Path script = file("haproxy.lua", Map.of("timeout_ms = 200", "timeout_ms = 20000"));
    Path config = file("haproxy.cfg", Map.of("/etc/haproxy/haproxy.lua", script.toString()));
    refuses("haproxy", "-f", config.toString());
  }

  @Test
  void traefik_asOfTheReadme_refusesTheNextRequest() throws IOException {
    Path program = optional(output("sh", "build-traefik.sh", "--find"), "build-traefik.sh");
    Path dynamic = file("traefik.yaml", Map.of());
    Path config =
        file("traefik-static.yaml", Map.of("/etc/traefik/traefik.yaml", dynamic.toString()));
    refuses(program.toString(), "--configFile=" + config);
  }

  @Test
  void envoy_asOfTheReadme_refusesTheNextRequest() throws IOException {
    Path program = optional(envoy(), "../authz-server/get-envoy.sh");
    Path config = file("envoy.yaml", Map.of("timeout: 0.2s", "timeout: 20s"));
    refuses(
        program.toString(),
        "-c",
        config.toString(),
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "--log-level",
        "warn");
  }

  private void refuses(String... gateway) throws IOException {
    launch("application", java(ApplicationProgram.class, APPLICATION_PORT));
    try (RunningIpSentry ipSentry =
        RunningIpSentry.startIn(host::command, directory, configuration())) {
      launch("gateway", List.of(gateway));
      await("the gateway answers")
          .atMost(RunningIpSentry.PATIENCE)
          .until(() -> status(OTHER, "/").equals("200"));
      assertThat(status(BANNED, "/")).isEqualTo("200");

      assertThat(ipSentry.command("ban", BANNED, "--for", "1h").exitCode()).isZero();

      assertThat(status(BANNED, "/")).isEqualTo("403");
      assertThat(status(OTHER, "/")).isEqualTo("200");

      assertThat(ipSentry.command("unban", BANNED).exitCode()).isZero();

      assertThat(status(BANNED, "/")).isEqualTo("200");

      assertThat(status(PROBER, "/.env")).isEqualTo("200");
      assertThat(status(PROBER, "/.git/config")).isEqualTo("403");
      assertThat(status(PROBER, "/")).isEqualTo("403");
      await("the ban is in the log")
          .atMost(RunningIpSentry.PATIENCE)
          .untilAsserted(() ->
              assertThat(ipSentry.list()).extracting(row -> row.get("ip")).containsExactly(PROBER));
    } catch (RuntimeException | Error e) {
      System.out.println("gateway.out: " + Files.readString(directory.resolve("gateway.out")));
      throw e;
    }
  }

  /** The example without the places that the test chooses. */
  private static String configuration() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("../docs/examples/here-gateway.yaml"))) {
      return lines
              .filter(line -> !line.startsWith("store:") && !line.startsWith("admin:"))
              .collect(Collectors.joining("\n"))
          + "\n";
    }
  }

  private Path file(String name, Map<String, String> replacements) throws IOException {
    return Files.writeString(directory.resolve(name), Gateway.example(name, replacements));
  }

  private void launch(String name, List<String> command) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(host.command(command))
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve(name + ".out").toFile());
    // Caddy writes below it.
    builder.environment().put("HOME", directory.toString());
    processes.add(builder.start());
  }

  private static List<String> java(Class<?> program, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  /** The status that a client gets; what it could not do, if it gets none. */
  private String status(String client, String path) {
    try {
      return Programs.run(world.command(java(ProbeProgram.class, client, SERVER, HTTP_PORT, path)))
          .strip();
    } catch (IllegalStateException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static Path optional(String path, String script) {
    Assumptions.assumeFalse(path.isEmpty(), "conformance-tests/" + script + " was not run here");
    return Path.of(path);
  }

  private static String output(String... command) throws IOException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
  }

  private static String envoy() throws IOException {
    Path fetched = Path.of(System.getProperty("user.home"), ".cache", "ip-sentry", "envoy");
    if (!Files.isDirectory(fetched)) {
      return "";
    }
    try (Stream<Path> versions = Files.list(fetched)) {
      @Nullable Path newest =
          versions
              .map(version -> version.resolve("envoy"))
              .filter(Files::isExecutable)
              .max(Path::compareTo)
              .orElse(null);
      return newest == null ? "" : newest.toString();
    }
  }
}
