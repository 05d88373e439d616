package io.ipsentry.conformance.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.gateway.Nginx;
import io.ipsentry.conformance.kernel.Node;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The image, really built from the jars of this build and Debian's packages, and containers of it.
 * They run as a cluster would have them: a root that cannot be written, an empty {@code /tmp}, and
 * no capability that is not named.
 */
@RequiresRoot
@RequiresProgram({"podman", "runc", "mmdebstrap", "ip", "nginx", "curl", "ipset"})
final class ImageIT {
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT).withZone(ZoneOffset.UTC);

  /**
   * Of the classes that a start loads; made-up ones (lambdas of others, proxies) are never in it.
   */
  private static final double LEAST_FROM_ARCHIVE = 0.95;

  /**
   * Both take bean properties from it where it is, and do without (their module descriptors say
   * optional).
   */
  private static final Set<String> MODULES_DONE_WITHOUT = Set.of("java.desktop");

  @TempDir private static Path shared;
  @TempDir private Path directory;

  private static Podman podman;
  private static String name;
  private static String image;

  @BeforeAll
  static void build() {
    podman = new Podman(shared);
    name = "localhost/ip-sentry-test:" + ProcessHandle.current().pid();
    image = build(name);
  }

  @AfterAll
  static void remove() {
    String ignored = podman.run("rmi", "--force", "--ignore", name, name + "-again");
  }

  /** Its id, which is the digest of everything in it. */
  private static String build(String tag) {
    String base = podman.script("image/base", Map.of()).strip();
    String log =
        podman.script(
            "image/build",
            Map.of("IP_SENTRY_BUILD_DIR", Path.of("..").toAbsolutePath().normalize().toString()),
            "podman",
            "--tag=" + tag,
            "--build-arg=BASE=" + base,
            "--isolation=chroot",
            "--no-cache",
            "--layers=false");
    return log.strip().lines().reduce("", (before, line) -> line);
  }

  private static ConditionFactory soon(String what) {
    return await(what).atMost(RunningIpSentry.PATIENCE).pollDelay(Duration.ZERO);
  }

  /** Arguments of podman for a container, up to the name of the image. */
  private static List<String> container(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "run",
                "--rm",
                "--read-only",
                "--read-only-tmpfs=false",
                "--tmpfs=/tmp:rw,nosuid,nodev,mode=1777",
                "--cap-drop=all",
                "--security-opt=no-new-privileges"));
    arguments.addAll(Arrays.asList(more));
    return arguments;
  }

  private static String inContainer(List<String> container, String... command) {
    List<String> arguments = new ArrayList<>(container);
    arguments.add(name);
    arguments.addAll(Arrays.asList(command));
    return podman.run(arguments.toArray(String[]::new));
  }

  private static String sh(String script) {
    return inContainer(container("--network=none", "--entrypoint=/bin/sh"), "-c", script);
  }

  @Test
  void build_secondTimeFromTheSameSources_hasTheSameDigest() {
    assertThat(build(name + "-again")).matches("[0-9a-f]{64}").isEqualTo(image);
  }

  @Test
  void version_asNobodyWithNothingWritable_isPrintedFromTheArchiveOfClasses() {
    String out =
        inContainer(
            container("--network=none", "--env=IP_SENTRY_JAVA_OPTS=-Xlog:class+load"), "--version");

    assertThat(out.lines().toList()).anyMatch(line -> line.matches("ip-sentry \\d+\\.\\d+\\..*"));
    List<String> loaded = out.lines().filter(line -> line.contains(" source: ")).toList();
    long archived = loaded.stream().filter(line -> line.contains("shared objects file")).count();
    assertThat(archived).isGreaterThan((long) (LEAST_FROM_ARCHIVE * loaded.size()));
  }

  @Test
  void content_isWhatThePartsNeedAndNoMore() {
    assertThat(sh("id -u; for p in apt dpkg perl; do [ ! -e /usr/bin/$p ] || echo $p; done"))
        .isEqualTo("65532\n");
    assertThat(
            sh(
                """
                nft --version; iptables-legacy --version; ip6tables-legacy-restore --version
                nsenter --version; journalctl --version; /usr/sbin/ipset --help | head -n 1
                """))
        .contains(
            "nftables v",
            "iptables v",
            "ip6tables-restore v",
            "nsenter from",
            "systemd ",
            "ipset v");
    assertThat(sh("cat /opt/ip-sentry/sbom/*.json"))
        .contains(
            "pkg:maven/io.grpc/grpc-core@",
            "pkg:deb/debian/iptables@",
            "pkg:deb/debian/openjdk-25-jre-headless@");
    assertThat(
            sh(
                "for p in /var/lib/dpkg/status.d/*; do [ -s /usr/share/doc/${p##*/}/copyright ] ||"
                    + " echo $p; done"))
        .as("packages without their licence")
        .isEmpty();
  }

  /** Else a class is missing in a container that is there on a developer's machine. */
  @Test
  void modules_ofItsJava_areThoseTheJarsNeed() throws IOException {
    ToolProvider jdeps = ToolProvider.findFirst("jdeps").orElseThrow();
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--ignore-missing-deps",
                "--multi-release=" + Runtime.version().feature(),
                "--list-deps"));
    try (DirectoryStream<Path> jars =
            Files.newDirectoryStream(Path.of("../cli/target"), "cli-*.jar");
        DirectoryStream<Path> libraries =
            Files.newDirectoryStream(Path.of("../cli/target/lib"), "*.jar")) {
      jars.forEach(jar -> arguments.add(jar.toString()));
      for (Path jar : libraries) {
        // Classes without code of their own, in number.
        if (!jar.getFileName().toString().startsWith("kubernetes-model-")) {
          arguments.add(jar.toString());
        }
      }
    }
    StringWriter out = new StringWriter();
    int code =
        jdeps.run(new PrintWriter(out), new PrintWriter(out), arguments.toArray(String[]::new));
    assertThat(code).as(out.toString()).isZero();
    TreeSet<String> needed = new TreeSet<>();
    Matcher module =
        Pattern.compile("(?m)^ +((?:java|jdk)\\.[a-z.]+)(?:/\\S+)?$").matcher(out.toString());
    while (module.find()) {
      needed.add(module.group(1));
    }
    needed.removeAll(MODULES_DONE_WITHOUT);

    assertThat(needed).contains("java.base", "java.sql");
    assertThat(
            sh("$JAVA_HOME/bin/java --list-modules")
                .lines()
                .map(line -> line.replaceAll("@.*", "")))
        .containsAll(needed);
  }

  @Test
  void run_onALog_bansAndAnswersCommands() throws Exception {
    Path log = Files.createFile(directory.resolve("access.log"));
    Files.writeString(
        directory.resolve("ip-sentry.yaml"),
        """
        sources: [{ file: /logs/access.log, format: combined }]
        rules: [{ name: probing, match: { packs: [default] }, threshold: 3, window: 2m, ban: 1h }]
        store: { path: /tmp/ip-sentry.db }
        admin: { socket: /tmp/admin.sock }
        metrics: { listen: "off" }
        """);
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    String container = "ip-sentry-it-" + ProcessHandle.current().pid();
    List<String> arguments =
        container("--network=none", "--name=" + container, "--volume=" + directory + ":/logs:ro");
    arguments.addAll(List.of(name, "run", "--config", "/logs/ip-sentry.yaml"));
    Path output = directory.resolve("run.log");
    Process process = podman.start(output, arguments);
    try {
      soon("started").until(() -> !process.isAlive() || text(output).contains("\"started\""));
      assertThat(process.isAlive()).as(text(output)).isTrue();
      for (String path : List.of("/.env", "/wp-login.php", "/.git/config")) {
        Files.writeString(
            log,
            "203.0.113.7 - - [%s] \"GET %s HTTP/1.1\" 404 153 \"-\" \"-\"\n"
                .formatted(STAMP.format(Instant.now()), path),
            StandardOpenOption.APPEND);
      }
      soon("banned").until(() -> !process.isAlive() || text(output).contains("\"banned\""));

      assertThat(podman.run("exec", container, "ip-sentry", "list", "--socket", "/tmp/admin.sock"))
          .contains("203.0.113.7");
      String ignored = podman.run("kill", "--signal=TERM", container);
      assertThat(process.waitFor(RunningIpSentry.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as(text(output)).isZero();
    } finally {
      end(container, process);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ipset", "nftables"})
  void enforcer_withTwoCapabilities_dropsPackets(String backend) throws Exception {
    Path lock = Files.createFile(directory.resolve("xtables.lock"));
    Files.writeString(
        directory.resolve("enforcer.yaml"),
        "enforcer: { backend: %s }\nmetrics: { listen: \"127.0.0.1:9003\" }\n".formatted(backend));
    Path owned = Files.createDirectory(directory.resolve("owner"));
    String container = "ip-sentry-it-" + backend + ProcessHandle.current().pid();
    try (Node node = new Node();
        Nginx _ =
            Nginx.start(
                node.host()::command,
                owned,
                List.of(Node.ADDRESS + ":8080", "[" + Node.ADDRESS6 + "]:8080"),
                "");
        RunningIpSentry owner =
            RunningIpSentry.start(
                owned, "authz: { http: \"127.0.0.1:0\" }\ntrustedProxies: []\n")) {
      List<String> arguments =
          container(
              "--name=" + container,
              "--user=0",
              "--cap-add=NET_ADMIN,NET_RAW",
              "--network=ns:/run/netns/" + node.host().name(),
              "--volume=" + lock + ":/run/xtables.lock",
              "--volume="
                  + Files.createDirectory(directory.resolve("locks"))
                  + ":/run/lock/ip-sentry",
              "--volume=" + directory + ":" + directory);
      arguments.addAll(
          List.of(
              name,
              "enforcer",
              "--config",
              directory.resolve("enforcer.yaml").toString(),
              "--socket",
              owner.socket().toString()));
      Path output = directory.resolve("enforcer.log");
      Process process = podman.start(output, arguments);
      try {
        soon("enforces")
            .until(
                () -> !process.isAlive() || text(output).contains("the kernel enforces the bans"));
        assertThat(text(output)).contains("\"backend\":\"" + backend + "\"");
        assertThat(node.isReachable("203.0.113.7")).isTrue();

        assertThat(owner.command("ban", "203.0.113.7", "--for", "1h").exitCode()).isZero();
        assertThat(owner.command("ban", "2001:db8:2::7", "--for", "1h").exitCode()).isZero();

        soon("dropped")
            .until(() -> !node.isReachable("203.0.113.7") && !node.isReachable("2001:db8:2::7"));
        assertThat(node.isReachable("203.0.113.8")).isTrue();
      } finally {
        end(container, process);
      }
    }
  }

  private static void end(String container, Process process) throws InterruptedException {
    String ignored = podman.run("rm", "--force", "--ignore", "--time=0", container);
    assertThat(process.waitFor(RunningIpSentry.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
  }

  private static String text(Path file) {
    try {
      return Files.exists(file) ? Files.readString(file) : "";
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }
}
