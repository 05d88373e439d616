package io.ipsentry.conformance.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Starts {@code ./ip-sentry} the ways people do.
 *
 * <p>The first start builds, with a Maven of its own that writes to {@code .run} and not to the
 * {@code target} directories of the Maven that runs this test.
 */
final class LauncherIT {
  private static final Path ROOT = root();
  private static final Path LAUNCHER = ROOT.resolve("ip-sentry");

  /** The first use may download and compile everything. */
  private static final Duration BUILD_LIMIT = Duration.ofMinutes(10);

  @TempDir private Path directory;
  @TempDir private Path output;

  /** Whichever test comes first builds; later ones find it done. */
  @BeforeEach
  void build() throws Exception {
    Outcome outcome = start(ROOT, "./ip-sentry", "--version").finish();
    assertThat(outcome.status()).as(outcome.err()).isZero();
  }

  @Test
  void start_throughLinkFromElsewhere_runsProgram() throws Exception {
    Path link = Files.createSymbolicLink(directory.resolve("a link"), LAUNCHER);
    Path again = Files.createSymbolicLink(directory.resolve("second"), directory.relativize(link));

    Outcome outcome = start(directory, again.toString(), "--version").finish();

    assertThat(outcome.status()).isZero();
    assertThat(outcome.out()).matches("ip-sentry \\d+\\.\\d+\\.\\d+\\S*\\R");
    assertThat(outcome.err()).isEmpty();
  }

  /** What makes the start quick; how quick it is, {@code bench/start.sh} measures. */
  @Test
  void start_afterFirstUse_takesItsClassesFromTheCache() throws Exception {
    Outcome outcome =
        start(
                directory,
                "env",
                "IP_SENTRY_JAVA_OPTS=-Xlog:class+load",
                LAUNCHER.toString(),
                "--version")
            .finish();

    assertThat(outcome.status()).isZero();
    assertThat(outcome.out())
        .containsPattern("io\\.ipsentry\\.cli\\.Main source: shared objects file")
        .containsPattern("picocli\\.CommandLine source: shared objects file");
  }

  /** Each of these would cost a process that stays 1 to 3 MiB for as long as it lives. */
  @Test
  void start_run_takesNeitherParserNorServerOfTheJdkNorLinkerOfNetty() throws Exception {
    Path config =
        Files.writeString(
            directory.resolve("run.yaml"),
            """
            sources: [{ stdin: true, format: combined }]
            rules: [{ name: probing, match: { packs: [default] }, threshold: 3, window: 2m }]
            store: { path: %1$s/store.db }
            admin: { socket: %1$s/admin.sock }
            metrics: { listen: "127.0.0.1:0" }
            """
                .formatted(directory));

    Outcome outcome =
        start(
                directory,
                "env",
                "IP_SENTRY_JAVA_OPTS=-Xlog:class+load",
                LAUNCHER.toString(),
                "run",
                "--config",
                config.toString())
            .finish();

    assertThat(outcome.status()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .contains(" io.ipsentry.watcher.metrics.HealthConnections ")
        .contains(" io.netty.util.internal.PlatformDependent ")
        .doesNotContain(" picocli.CommandLine ")
        .doesNotContain(" com.sun.net.httpserver.HttpServer ")
        .doesNotContain(" io.netty.util.internal.CleanerJava24Linker ");
  }

  @Test
  void start_twoAtOnceWithoutCache_bothRunAndCacheIsMade() throws Exception {
    Path build =
        ROOT.resolve(".run").resolve(Files.readString(ROOT.resolve(".run/current")).strip());
    try (DirectoryStream<Path> caches = Files.newDirectoryStream(build, "*.aot")) {
      for (Path cache : caches) {
        Files.delete(cache);
      }
    }
    Started first = start(directory, LAUNCHER.toString(), "--version");
    Started second = start(directory, LAUNCHER.toString(), "--version");

    assertThat(first.finish().status()).isZero();
    assertThat(second.finish().status()).isZero();
    try (Stream<Path> caches = Files.list(build)) {
      assertThat(caches.filter(file -> file.toString().endsWith(".aot")))
          .as("for commands that ask a running instance, the enforcer, run, all others")
          .hasSize(4)
          // An enforcer can only be tried out by root; an empty file says that it could not.
          .filteredOn(cache -> !cache.toString().contains("enforcer"))
          .allSatisfy(cache -> assertThat(Files.size(cache)).isPositive());
    }
  }

  /** The launcher names classes of the core, which nothing else would miss under new names. */
  @Test
  void start_authzServer_optimisesLateAndNotTheReadingOfASnapshot() throws Exception {
    Outcome outcome =
        start(
                directory,
                "env",
                "IP_SENTRY_JAVA_OPTS=-XX:+PrintFlagsFinal",
                LAUNCHER.toString(),
                "authz-server",
                "--help")
            .finish();

    assertThat(outcome.status()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .containsPattern("Tier4InvocationThreshold += 50000 ")
        .containsPattern("MaxHeapFreeRatio += 2 ");
    Matcher limited = Pattern.compile("memlimit,(io\\.ipsentry\\.[\\w.]+)").matcher(outcome.out());
    List<String> named = limited.results().map(result -> result.group(1)).toList();
    assertThat(named).contains("io.ipsentry.ban.BanSnapshotReader");
    for (String name : named) {
      assertThat(Class.forName(name).getDeclaredMethods()).as(name).isNotEmpty();
    }
  }

  @Test
  void start_wrongOption_passesExitCodeOn() throws Exception {
    Outcome outcome = start(directory, LAUNCHER.toString(), "--no-such-option").finish();

    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err()).contains("--no-such-option");
  }

  /** The client of a cluster has thousands of classes, which people without one do not wait for. */
  @Test
  void start_commandOnThisHost_loadsNothingOfACluster() throws Exception {
    Outcome outcome =
        start(
                directory,
                "env",
                "IP_SENTRY_JAVA_OPTS=-Xlog:class+load",
                LAUNCHER.toString(),
                "list",
                "--store",
                directory.resolve("none.db").toString())
            .finish();

    assertThat(outcome.status()).isEqualTo(3);
    assertThat(outcome.out())
        .contains("io.ipsentry.cli.ClusterOptions")
        .doesNotContain("io.fabric8", "io.ipsentry.kubernetes");
  }

  /** As a person has it: a link in a directory of the PATH. */
  @Test
  @RequiresCluster
  void start_asAPluginOfKubectl_isFoundAndGoesToTheClusterOfItsKubeconfig() throws Exception {
    Path link =
        Files.createSymbolicLink(
            directory.resolve("kubectl-ip_sentry"), ROOT.resolve("kubectl-ip_sentry"));
    TestCluster cluster = TestCluster.shared();
    Kubectl kubectl =
        cluster.kubectl().withEnvironment("PATH", directory + ":" + System.getenv("PATH"));

    assertThat(kubectl.run("plugin", "list")).contains(link.toString());
    assertThat(kubectl.run("ip-sentry", "--version")).startsWith("ip-sentry ");
    Kubectl.Outcome listed =
        kubectl.attempt("ip-sentry", "list", "-n", cluster.newNamespace(), "--release", "edge");
    assertThat(listed.exitCode()).isEqualTo(3);
    assertThat(listed.err()).contains("no watcher of the release edge").contains("there is none");
    assertThat(kubectl.attempt("ip-sentry", "no-such-command").exitCode()).isEqualTo(2);
  }

  @Test
  void start_noJdkNewEnough_saysWhatToInstall() throws Exception {
    Outcome outcome =
        start(
                ROOT,
                "sh",
                "-c",
                ". .mvn/find-jdk.sh; find_jdk 9999 javac && exit 1; no_jdk me 'this test'; exit 3")
            .finish();

    assertThat(outcome.status()).isEqualTo(3);
    assertThat(outcome.err()).contains("me: no JDK", "this test needs", "apt install", "JAVA_HOME");
  }

  private record Started(Process process, Path out, Path err) {
    /** Waits for the end. */
    Outcome finish() throws IOException, InterruptedException {
      if (!process.waitFor(BUILD_LIMIT)) {
        process.destroyForcibly();
        throw new AssertionError(
            "still running after " + BUILD_LIMIT + ": " + Files.readString(err));
      }
      return new Outcome(process.exitValue(), Files.readString(out), Files.readString(err));
    }
  }

  private record Outcome(int status, String out, String err) {}

  private Started start(Path workingDirectory, String... command) throws IOException {
    Path out = Files.createTempFile(output, "out", ".txt");
    Path err = Files.createTempFile(output, "err", ".txt");
    Process process =
        new ProcessBuilder(command)
            .directory(workingDirectory.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    process.getOutputStream().close();
    return new Started(process, out, err);
  }

  private static Path root() {
    Path candidate = Path.of("").toAbsolutePath();
    while (candidate != null && !Files.exists(candidate.resolve("ip-sentry"))) {
      candidate = candidate.getParent();
    }
    if (candidate == null) {
      throw new IllegalStateException("not started from inside the checkout");
    }
    return candidate;
  }
}
