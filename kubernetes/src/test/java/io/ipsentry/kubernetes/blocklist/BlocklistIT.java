package io.ipsentry.kubernetes.blocklist;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** People's hands on the blocklist: the real kubectl at a real API server. */
@RequiresCluster
final class BlocklistIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String NAME = "guard-blocklist";
  private static final String A = "203.0.113.1";
  private static final String B = "203.0.113.2";

  @TempDir private Path directory;

  private final String namespace = TestCluster.shared().newNamespace();
  private final Kubectl kubectl = TestCluster.shared().kubectl().with("--namespace=" + namespace);
  private final KubernetesClient client = ClusterClient.of(TestCluster.shared(), namespace);
  private final KubernetesBanLog log =
      KubernetesBanLog.open(
          new ClusterConfigMaps(client),
          "guard",
          "test",
          KubernetesBanLog.Limits.DEFAULT,
          InstantSource.system());
  private final BanWriter writer = BanWriter.start(log, InstantSource.system(), event -> {});
  private BlocklistProjection projection = projection();

  @BeforeEach
  void show() throws Exception {
    ban(A);
    settle();
  }

  @AfterEach
  void close() {
    projection.close();
    log.close();
    client.close();
  }

  private BlocklistProjection projection() {
    return new BlocklistProjection(
        new ClusterBlocklist(client, "guard", InstantSource.system()),
        log,
        writer,
        () -> ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)),
        InstantSource.system(),
        System::nanoTime);
  }

  @Test
  void patch_ofTheReadmeOfTheOriginal_addsOneAndKeepsTheOthers() throws Exception {
    patch(
        "{\\\"1.2.3.4\\\":{\\\"banned_at\\\":\\\"2026-03-20T00:00:00Z\\\",\\\"expires_at\\\":"
            + "\\\"2099-01-01T00:00:00Z\\\",\\\"reason\\\":\\\"manual\\\",\\\"hit_count\\\":1}}");
    settle();

    assertThat(history())
        .containsExactly(
            "ban 203.0.113.1 by watcher",
            "ban 1.2.3.4 until 2099-01-01T00:00:00Z by kubectl-patch: manual");
    assertThat(document()).contains("\"203.0.113.1\"", "\"1.2.3.4\"", "\"_version\"");
  }

  @Test
  void patch_twiceQuickly_bothCount() throws Exception {
    patch("{\\\"203.0.113.2\\\":{\\\"expires_at\\\":\\\"2099-01-01\\\"}}");
    patch("{\\\"203.0.113.3\\\":{\\\"expires_at\\\":\\\"2099-01-01\\\"}}");
    settle();

    assertThat(history())
        .containsExactly(
            "ban 203.0.113.1 by watcher",
            "ban 203.0.113.2 until 2099-01-01T00:00:00Z by kubectl-patch: ",
            "ban 203.0.113.3 until 2099-01-01T00:00:00Z by kubectl-patch: ");
  }

  @Test
  void patch_null_unbans() throws Exception {
    patch("{\\\"203.0.113.1\\\":null}");
    settle();

    assertThat(history()).last().isEqualTo("unban 203.0.113.1 by kubectl-patch");
    assertThat(document()).doesNotContain(A);
  }

  @Test
  void edit_aLineTakenOut_unbansThatOne() throws Exception {
    ban(B);
    settle();
    String ignored =
        kubectl
            .withEnvironment("KUBE_EDITOR", "sed -i /203.0.113.1.:/d")
            .run("edit", "configmap", NAME);
    settle();

    assertThat(history())
        .containsExactly(
            "ban 203.0.113.1 by watcher",
            "ban 203.0.113.2 by watcher",
            "unban 203.0.113.1 by kubectl-edit");
    assertThat(document()).contains(B).doesNotContain(A);
  }

  @Test
  void edit_anEditorLeftOpenWhileBansArrive_removesOnlyWhatWasRemoved() throws Exception {
    Editor editor = edit("one", "/203.0.113.1.:/d");
    for (int i = 2; i < 7; i++) {
      ban("203.0.113." + i);
      settle();
    }
    editor.save();
    settle();

    assertThat(history()).hasSize(7).last().isEqualTo("unban 203.0.113.1 by kubectl-edit");
    assertThat(document()).contains(B, "203.0.113.6").doesNotContain("\"203.0.113.1\"");
  }

  @Test
  void edit_twoPeopleAtOnce_bothCount() throws Exception {
    ban(B);
    settle();
    Editor one = edit("one", "/203.0.113.1.:/d");
    Editor other = edit("other", "/203.0.113.2.:/d");
    one.save();
    settle();
    other.save();
    settle();

    assertThat(history().subList(2, 4))
        .containsExactly("unban 203.0.113.1 by kubectl-edit", "unban 203.0.113.2 by kubectl-edit");
    assertThat(document()).doesNotContain("203.0.113");
  }

  @Test
  void apply_onTheServer_addsOne() throws Exception {
    String ignored =
        kubectl.feed(
            manifest("{\"203.0.113.2\": {\"expires_at\": \"2099-01-01\"}}"),
            "apply",
            "--server-side",
            "--force-conflicts",
            "-f",
            "-");
    settle();

    assertThat(history())
        .containsExactly(
            "ban 203.0.113.1 by watcher",
            "ban 203.0.113.2 until 2099-01-01T00:00:00Z by kubectl: ");
    assertThat(document()).contains(A, B);
  }

  @Test
  void apply_theSameFileAgain_isNothing() throws Exception {
    String file = manifest("{\"203.0.113.2\": {\"expires_at\": \"2099-01-01\"}}");
    for (int i = 0; i < 3; i++) {
      String ignored = kubectl.feed(file, "apply", "-f", "-");
      settle();
    }

    assertThat(history())
        .containsExactly(
            "ban 203.0.113.1 by watcher",
            "ban 203.0.113.2 until 2099-01-01T00:00:00Z by kubectl-client-side-apply: ");
  }

  @Test
  void replace_withTheDocumentEdited_isMerged() throws Exception {
    String edited =
        kubectl.run("get", "configmap", NAME, "-o", "json").replaceAll("  ..203.0.113.1.*?,.n", "");
    assertThat(edited).doesNotContain(A).contains("_version");
    String ignored = kubectl.feed(edited, "replace", "-f", "-");
    settle();

    assertThat(history()).last().isEqualTo("unban 203.0.113.1 by kubectl-replace");
  }

  @Test
  void delete_ofTheConfigMap_isMadeAgainAndNobodyIsUnbanned() throws Exception {
    String ignored = kubectl.run("delete", "configmap", NAME);
    settle();

    assertThat(document()).contains(A);
    assertThat(history()).containsExactly("ban 203.0.113.1 by watcher");
    patch("{\\\"203.0.113.2\\\":{\\\"expires_at\\\":\\\"2099-01-01\\\"}}");
    settle();
    assertThat(history()).hasSize(2);
  }

  @Test
  void patch_garbage_isRefusedWithAnEventThatSaysWhere() throws Exception {
    patch("{\\\"203.0.113.2\\\": oops}");
    settle();

    assertThat(history()).containsExactly("ban 203.0.113.1 by watcher");
    assertThat(document()).contains(A);
    assertThat(notes())
        .startsWith("Warning EditRefused nothing was changed: it is no JSON: line 1, column ");
  }

  @Test
  void patch_aProtectedAddress_isRefusedAloneWithAnEvent() throws Exception {
    patch(
        "{\\\"10.1.2.3\\\":{\\\"expires_at\\\":\\\"2099-01-01\\\"},"
            + "\\\"203.0.113.2\\\":{\\\"expires_at\\\":\\\"2099-01-01\\\"}}");
    settle();

    assertThat(history())
        .containsExactly(
            "ban 203.0.113.1 by watcher",
            "ban 203.0.113.2 until 2099-01-01T00:00:00Z by kubectl-patch: ");
    assertThat(notes())
        .isEqualTo(
            "Warning EditRefused 10.1.2.3 was not banned: private network 10.0.0.0/8 is protected");
    assertThat(document()).doesNotContain("10.1.2.3");
  }

  @Test
  void patches_whileNobodyLeads_allCountForTheNext() throws Exception {
    patch("{\\\"203.0.113.2\\\":{\\\"expires_at\\\":\\\"2099-01-01\\\"}}");
    settle();
    projection.close();
    patch("{\\\"203.0.113.3\\\":{\\\"expires_at\\\":\\\"2099-01-01\\\"}}");
    patch("{\\\"203.0.113.4\\\":{\\\"expires_at\\\":\\\"2099-01-01\\\"}}");

    projection = projection();
    settle();

    assertThat(history().subList(1, 4))
        .containsExactly(
            "ban 203.0.113.2 until 2099-01-01T00:00:00Z by kubectl-patch: ",
            "ban 203.0.113.3 until 2099-01-01T00:00:00Z by kubectl-patch: ",
            "ban 203.0.113.4 until 2099-01-01T00:00:00Z by kubectl-patch: ");
    assertThat(document()).contains(A, B, "203.0.113.3", "203.0.113.4");
  }

  @Test
  @RequiresProgram("jq")
  void document_readByTheOriginalsTools_isWhatTheyKnow() throws Exception {
    ban("2001:db8::/64");
    settle();
    String document = document();

    assertThat(jq(document, ".")).contains("\"hit_count\": 3");
    assertThat(
            jq(
                document,
                "-r",
                "--arg",
                "now",
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
                "to_entries[] | select(.value.expires_at > $now) | .key"))
        .isEqualTo("203.0.113.1\n2001:db8::/64\n");
  }

  // ---- words of the tests

  private void patch(String document) {
    String ignored =
        kubectl.run(
            "patch",
            "configmap",
            NAME,
            "--type",
            "merge",
            "-p",
            "{\"data\":{\"blocklist.json\":\"" + document + "\"}}");
  }

  private static String manifest(String document) {
    return """
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: %s
    data:
      blocklist.json: '%s'
    """
        .formatted(NAME, document);
  }

  private String document() {
    return kubectl.run("get", "configmap", NAME, "-o", "jsonpath={.data.blocklist\\.json}");
  }

  private String notes() {
    return kubectl.run(
        "get",
        "events",
        "--field-selector=involvedObject.name=" + NAME,
        "-o",
        "jsonpath={range .items[*]}{.type} {.reason} {.message}{end}");
  }

  /** Steps until the document is untouched and shows the head of the log. */
  private void settle() throws Exception {
    stepUntil(() -> {
      String data =
          kubectl
              .attempt(
                  "get",
                  "configmap",
                  NAME,
                  "--ignore-not-found",
                  "-o",
                  "jsonpath={.data.version} {.data.blocklist\\.json}")
              .out();
      return data.startsWith(log.head() + " {\n")
          && data.contains("_version")
          && data.contains("\"hit_count\":" + log.head() + "}\n}");
    });
  }

  private void stepUntil(BooleanSupplier done) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    do {
      assertThat(System.nanoTime()).as("time is up").isLessThan(deadline);
      projection.step(Duration.ofMillis(100));
      // What was told of meanwhile is carried out before the look.
      projection.step(Duration.ofMillis(100));
    } while (!done.getAsBoolean());
  }

  private void ban(String ip) {
    assertThat(
            writer.write((state, at) ->
                List.of(
                    new BanEvent.Ban(
                        at,
                        IpPrefix.parse(ip),
                        at.plus(Duration.ofHours(24)),
                        "probing",
                        "^/wp-admin",
                        3,
                        SeenAs.PEER,
                        "watcher",
                        1,
                        null,
                        null))))
        .isInstanceOf(BanWriter.Outcome.Written.class);
  }

  private List<String> history() {
    return log.read(1, 1_000).stream()
        .map(event ->
            switch (event.event()) {
              case BanEvent.Ban ban when ban.by().equals("watcher") ->
                  "ban " + ban.ip() + " by watcher";
              case BanEvent.Ban ban ->
                  "ban "
                      + ban.ip()
                      + " until "
                      + ban.until()
                      + " by "
                      + ban.by()
                      + ": "
                      + ban.reason();
              case BanEvent.Unban unban -> "unban " + unban.ip() + " by " + unban.by();
              case BanEvent.Allow allow -> "allow " + allow.ip();
              case BanEvent.Disallow disallow -> "disallow " + disallow.ip();
              case BanEvent.Feed feed -> "feed " + feed.feed();
            })
        .toList();
  }

  /** An editor that somebody leaves open. */
  private record Editor(Process process, Path go, Path output) {
    void save() throws Exception {
      Path ignored = Files.createFile(go);
      assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as(Files.readString(output)).isZero();
    }
  }

  private Editor edit(String person, String sed) throws Exception {
    Path opened = directory.resolve(person + "-opened");
    Path go = directory.resolve(person + "-go");
    Path output = directory.resolve(person + "-output");
    Path script = directory.resolve(person + "-editor");
    Path ignored =
        Files.writeString(
            script,
            """
            #!/bin/sh
            : > '%s'
            tries=0
            while [ ! -e '%s' ] && [ $tries -lt 1200 ]; do sleep 0.1; tries=$((tries + 1)); done
            exec sed -i '%s' "$1"
            """
                .formatted(opened, go, sed));
    ignored = Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    Process process =
        kubectl
            .withEnvironment("KUBE_EDITOR", script.toString())
            .start(ProcessBuilder.Redirect.to(output.toFile()), "edit", "configmap", NAME);
    stepUntil(() -> Files.exists(opened));
    return new Editor(process, go, output);
  }

  private static String jq(String document, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("jq"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (var in = process.getOutputStream()) {
      in.write(document.getBytes(StandardCharsets.UTF_8));
    }
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(out).isZero();
    return out;
  }
}
