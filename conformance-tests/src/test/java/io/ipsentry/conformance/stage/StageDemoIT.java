package io.ipsentry.conformance.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code ip-sentry demo} as root: its story is true, and nothing of it stays, however it ends.
 *
 * <p>What stays is looked for by what the demonstration had: its directory, its processes, and the
 * network namespaces in which they ran.
 */
@RequiresRoot
@RequiresCluster
@RequiresProgram({"nginx", "ip", "ipset", "iptables-legacy"})
final class StageDemoIT {
  private static final Path TEMPORARY = Path.of("/tmp");
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final JsonMapper JSON = new JsonMapper();

  private final Set<Path> before = directories();
  @TempDir private Path own;

  /** Each process that the demonstration started. */
  private final Set<ProcessHandle> processes = new HashSet<>();

  /** Numbers of the network namespaces that they were in. */
  private final Set<String> namespaces = new TreeSet<>();

  private Optional<Process> running = Optional.empty();

  @AfterEach
  void end() {
    running.ifPresent(demo -> {
      demo.descendants().forEach(ProcessHandle::destroyForcibly);
      demo.destroyForcibly();
    });
  }

  /** Starts it. */
  private Process start(Map<String, String> environment, String... options) throws IOException {
    List<String> command = new ArrayList<>(List.of("demo"));
    command.addAll(List.of(options));
    ProcessBuilder builder =
        new ProcessBuilder(IpSentry.command(command))
            .redirectError(own.resolve("err").toFile())
            .redirectOutput(own.resolve("out").toFile());
    builder.environment().putAll(environment);
    Process demo = builder.start();
    running = Optional.of(demo);
    return demo;
  }

  /** Notes what there is of it now; returns whether it has ended or the text stands there. */
  private boolean hasSaid(Process demo, String text) {
    demo.descendants().forEach(this::note);
    return !demo.isAlive() || said("err").contains(text);
  }

  private void note(ProcessHandle process) {
    processes.add(process);
    try {
      namespaces.add(
          Files.getAttribute(Path.of("/proc", Long.toString(process.pid()), "ns/net"), "unix:ino")
              .toString());
    } catch (IOException e) {
      // It has ended meanwhile.
    }
  }

  private void noteUntilEnd(Process demo) throws InterruptedException {
    await("the end")
        .atMost(PATIENCE)
        .until(() -> {
          demo.descendants().forEach(this::note);
          return !demo.isAlive();
        });
    assertThat(demo.waitFor(1, TimeUnit.SECONDS)).isTrue();
  }

  private String said(String file) {
    try {
      return Files.readString(own.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read what it said", e);
    }
  }

  private static Set<Path> directories() {
    try (Stream<Path> files = Files.list(TEMPORARY)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("ip-sentry-demo."))
          .collect(Collectors.toSet());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + TEMPORARY, e);
    }
  }

  /** The watchdog of a process sees by itself that it is not needed any more. */
  private void awaitProcessesEnd() {
    await("its processes end")
        .atMost(Duration.ofSeconds(20))
        .until(() -> processes.stream().noneMatch(ProcessHandle::isAlive));
  }

  private void assertNothingIsLeft() throws IOException {
    assertThat(processes).as("it had processes").isNotEmpty();
    awaitProcessesEnd();
    assertThat(directories()).as(said("err")).isEqualTo(before);
    namespaces.remove(Files.getAttribute(Path.of("/proc/self/ns/net"), "unix:ino").toString());
    assertThat(namespaces).as("it had namespaces").isNotEmpty();
    List<String> left = new ArrayList<>();
    try (Stream<Path> named = Files.list(Path.of("/run/netns"))) {
      for (Path file : named.toList()) {
        if (Files.exists(file)
            && namespaces.contains(Files.getAttribute(file, "unix:ino").toString())) {
          left.add(file.toString());
        }
      }
    }
    assertThat(left).as("namespaces").isEmpty();
  }

  @Test
  void demo_asRoot_attackersAreRefusedOnEachNodeAndNobodyElse_andNothingIsLeft() throws Exception {
    Process demo = start(Map.of(), "--seconds", "6", "--rate", "20", "-o", "json");
    noteUntilEnd(demo);

    assertThat(demo.exitValue()).as(said("out") + said("err")).isZero();
    int attackers = 0;
    for (String line : said("out").lines().toList()) {
      JsonNode client = JSON.readTree(line);
      boolean hostile = client.get("hostile").asBoolean();
      attackers += hostile ? 1 : 0;
      assertThat(client.get("rule").isNull()).as(line).isEqualTo(!hostile);
      assertThat(client.get("answered").asInt()).as(line).isPositive();
      assertThat(client.get("nodes")).hasSize(3);
      for (JsonNode node : client.get("nodes")) {
        int refused = node.get("refused").asInt() + node.get("dropped").asInt();
        assertThat(refused > 0).as(line).isEqualTo(hostile);
      }
    }
    assertThat(attackers).isEqualTo(5);
    assertNothingIsLeft();
  }

  @Test
  void interruptedWhileItPlays_leavesNothing() throws Exception {
    Process demo = start(Map.of(), "--seconds", "60", "--rate", "5");
    await("it plays").atMost(PATIENCE).until(() -> hasSaid(demo, "ready after"));
    assertThat(demo.isAlive()).as(said("err")).isTrue();

    interrupt(demo);

    assertNothingIsLeft();
  }

  @Test
  void interruptedWhileItIsBuilt_leavesNothing() throws Exception {
    Process demo = start(Map.of());
    await("something runs in a namespace")
        .atMost(PATIENCE)
        .until(() -> {
          demo.descendants().forEach(this::note);
          return !demo.isAlive() || namespaces.size() > 2;
        });
    assertThat(demo.isAlive()).as(said("err")).isTrue();

    interrupt(demo);

    assertNothingIsLeft();
  }

  private void interrupt(Process demo) throws InterruptedException {
    Programs.run("kill", "-INT", Long.toString(demo.pid()));
    noteUntilEnd(demo);
    assertThat(demo.exitValue()).as(said("err")).isEqualTo(130);
  }

  /** An API server that ends at its start. */
  @Test
  void partThatDoesNotStart_isTold_andNothingIsLeft() throws Exception {
    Path programs = Files.createDirectory(own.resolve("programs"));
    Path real =
        Path.of(Programs.run("sh", "../conformance-tests/build-kubernetes.sh", "--find").strip());
    for (String name : List.of("etcd", "kubectl")) {
      program(programs.resolve(name), "exec " + real.resolve(name) + " \"$@\"");
    }
    program(programs.resolve("kube-apiserver"), "echo broken; exit 1");

    Process demo = start(Map.of("KUBEBUILDER_ASSETS", programs.toString()));
    noteUntilEnd(demo);

    assertThat(demo.exitValue()).isEqualTo(3);
    assertThat(said("err")).contains("the cluster does not start", "kube-apiserver");
    assertThat(directories()).isEqualTo(before);
    awaitProcessesEnd();
  }

  private static void program(Path file, String script) throws IOException {
    Path written = Files.writeString(file, "#!/bin/sh\n" + script + "\n");
    assertThat(written.toFile().setExecutable(true)).isTrue();
  }
}
