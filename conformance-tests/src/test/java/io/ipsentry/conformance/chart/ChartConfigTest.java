package io.ipsentry.conformance.chart;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.rule.Rule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The configuration that the chart makes of values, read by ip-sentry itself. */
final class ChartConfigTest {
  private static final String NAMESPACE = "ip-sentry";
  private static final String WATCHER = "ip-sentry.yaml";

  /**
   * For each key that is read at a start only (docs/configuration.md): values with another, and
   * whose pods have to start again.
   */
  private static final Map<String, Restart> RESTARTS =
      Map.ofEntries(
          restart("store.kubernetes", "store: { kubernetes: { release: other } }", "wae"),
          restart("store.leader", "store: { leader: { lease: 20s } }", "wae"),
          restart("store.checkpoints", "store: { checkpoints: /run/ip-sentry/c.db }", "w"),
          restart("store.keepHistory", "store: { keepHistory: 8d }", "w"),
          restart("admin.socket", "admin: { socket: /run/ip-sentry/other.sock }", "w"),
          restart("admin.listen", "admin: { listen: ':9104' }", "w"),
          restart("admin.tls", "admin: { tls: { clientCa: /run/ip-sentry/tls/ca.crt } }", "w"),
          restart("admin.kubernetesAuth", "admin: { kubernetesAuth: { audiences: [a] } }", "w"),
          restart("metrics.listen", "metrics: { listen: ':9103' }", "wae"),
          restart("authz.listen", "authz: { listen: ':9101' }", "wa"),
          restart("authz.http", "authz: { http: ':9102' }", "wa"),
          restart("authz.tls", "authz: { tls: { certificate: /a.crt, key: /a.key } }", "a"),
          restart("limits.trackedAddressesBytes", "limits: { trackedAddressesBytes: 8MiB }", "wa"),
          restart("ipv6.countPrefix", "ipv6: { countPrefix: 72 }", "wa"),
          restart("enforcer.name", "enforcer: { name: b }", "e"),
          restart("enforcer.backend", "enforcer: { backend: nftables }", "e"),
          restart("enforcer.hook", "enforcer: { hook: filter }", "e"),
          restart("enforcer.agent", "enforcer: { agent: true }", "e"),
          restart("enforcer.hostBinaries", "enforcer: { hostBinaries: true }", "e"));

  private static final RenderedChart DEFAULTS = HelmChart.render(NAMESPACE);

  @TempDir private Path directory;

  /**
   * What has to start again.
   *
   * @param values below {@code config}
   * @param components first letters of watcher, authz-server, enforcer
   */
  record Restart(String values, String components) {}

  private static Map.Entry<String, Restart> restart(String key, String values, String components) {
    return Map.entry(key, new Restart(values, components));
  }

  static List<Arguments> matrix() {
    return arguments(ValuesMatrix.all());
  }

  static List<Arguments> restarts() {
    return arguments(new TreeMap<>(RESTARTS));
  }

  private static List<Arguments> arguments(Map<String, ?> named) {
    return named.entrySet().stream()
        .map(entry -> Arguments.of(entry.getKey(), entry.getValue()))
        .toList();
  }

  private static RenderedChart render(String... values) {
    return HelmChart.render(NAMESPACE, values);
  }

  /** Certificates as the chart makes them; those of other values come from elsewhere. */
  private static Secret certificates() {
    return DEFAULTS.one(Secret.class, "ip-sentry-admin-tls");
  }

  private ConfigResult read(String document) throws IOException {
    Path own = Files.createTempDirectory(directory, "c");
    MountedConfig mounted = MountedConfig.in(own, document, certificates());
    mounted.mount("authz-tls", certificates());
    return new ConfigLoader().load(mounted.file());
  }

  private Config valid(String document) throws IOException {
    ConfigResult result = read(document);
    assertThat(result).as("%s", result).isInstanceOf(ConfigResult.Valid.class);
    return result.orThrow();
  }

  @ParameterizedTest
  @MethodSource("matrix")
  void documents_ofTheMatrix_areTakenWithoutADoubt(String name, String values) throws Exception {
    Map<String, String> documents = render(values).configs();
    assertThat(documents).containsKey(WATCHER);
    for (Map.Entry<String, String> document : documents.entrySet()) {
      ConfigResult result = read(document.getValue());
      assertThat(result)
          .as("%s, %s: %s", name, document.getKey(), result)
          .isInstanceOf(ConfigResult.Valid.class);
      assertThat(result.warnings()).as(document.getKey()).isEmpty();
    }
  }

  @Test
  void original_itsValues_meanTheSame() throws Exception {
    RenderedChart chart = render(ValuesMatrix.ORIGINAL);
    Config config = valid(chart.config(WATCHER));
    assertThat(config.rules()).hasSize(1);
    Rule rule = config.rules().getFirst();
    assertThat(rule.on()).isEqualTo(Rule.On.LOG);
    assertThat(rule.threshold()).isEqualTo(4);
    assertThat(rule.distinct()).isEqualTo(1);
    assertThat(rule.window()).isEqualTo(Duration.ofMinutes(5));
    assertThat(rule.ban().length()).isEqualTo(Duration.ofDays(30));
    assertThat(valid(chart.config("enforcer.yaml")).enforcer().orElseThrow().interval())
        .isEqualTo(Duration.ofSeconds(15));
  }

  @Test
  void defaults_areThoseOfTheOriginal() throws Exception {
    RenderedChart chart = DEFAULTS;
    Rule rule = valid(chart.config(WATCHER)).rules().getFirst();
    assertThat(rule.threshold()).isEqualTo(3);
    assertThat(rule.distinct()).isEqualTo(2);
    assertThat(rule.window()).isEqualTo(Duration.ofMinutes(2));
    assertThat(rule.ban().length()).isEqualTo(Duration.ofDays(1));
    assertThat(chart.config(WATCHER))
        .contains("namespace: nginx-gateway-fabric")
        .contains("selector: gateway.networking.k8s.io/gateway-name=nginx-public")
        .contains("container: nginx")
        .doesNotContain("logRegex");
    assertThat(chart.config("enforcer.yaml")).contains("interval: 30s");
  }

  @Test
  void keyOn_inValuesOfYaml11_isNoTruthValue() throws Exception {
    String values = "rules: [{ name: a, on: request, match: { paths: [a] }, threshold: 1 }]";
    assertThat(valid(render(values).config(WATCHER)).rules())
        .filteredOn(rule -> rule.id().name().equals("a"))
        .allMatch(rule -> rule.on() == Rule.On.REQUEST)
        .hasSize(1);
    RenderedChart without = render("config: { metrics: { listen: off } }");
    assertThat(valid(without.config(WATCHER)).metrics()).isEmpty();
    assertThat(without.yaml()).doesNotContain("Probe:");
  }

  @Test
  void authorityAlone_isWhatOthersThanWatchersHave() {
    RenderedChart chart = DEFAULTS;
    assertThat(chart.config("authz-server.yaml")).doesNotContain("tls.key").contains("ca.crt");
    assertThat(chart.config("enforcer.yaml")).doesNotContain("tls.key").contains("ca.crt");
    for (PodTemplateSpec template :
        List.of(
            chart.one(Deployment.class, "ip-sentry-authz-server").getSpec().getTemplate(),
            chart.one(DaemonSet.class, "ip-sentry-enforcer").getSpec().getTemplate())) {
      assertThat(template.getSpec().getVolumes())
          .filteredOn(volume -> volume.getSecret() != null)
          .allSatisfy(volume ->
              assertThat(volume.getSecret().getItems())
                  .extracting(item -> item.getKey())
                  .containsExactly("ca.crt"));
    }
  }

  /** Components whose pods would be started again, by their first letters. */
  private static String restarted(RenderedChart before, RenderedChart after) {
    StringBuilder restarted = new StringBuilder();
    List<String> names = List.of("watcher", "authz-server");
    for (String name : names) {
      if (!template(before, name).equals(template(after, name))) {
        restarted.append(name.charAt(0));
      }
    }
    PodTemplateSpec enforcer =
        before.one(DaemonSet.class, "ip-sentry-enforcer").getSpec().getTemplate();
    if (!enforcer.equals(
        after.one(DaemonSet.class, "ip-sentry-enforcer").getSpec().getTemplate())) {
      restarted.append('e');
    }
    return restarted.toString();
  }

  private static PodTemplateSpec template(RenderedChart chart, String component) {
    return chart.one(Deployment.class, "ip-sentry-" + component).getSpec().getTemplate();
  }

  @ParameterizedTest
  @MethodSource("restarts")
  void keyThatIsReadAtTheStart_changed_restartsWhoReadsIt(String key, Restart restart) {
    assertThat(restarted(DEFAULTS, render("config: { " + restart.values() + " }")))
        .as(key)
        .isEqualTo(restart.components());
  }

  @Test
  void keysOfTheReference_thatAreReadAtTheStart_areAllTried() throws Exception {
    String reference = Files.readString(Path.of("../docs/configuration.md"));
    Matcher sentence =
        Pattern.compile("`store\\.path`, (.*?), are read at the start only", Pattern.DOTALL)
            .matcher(reference);
    assertThat(sentence.find()).isTrue();
    List<String> named = new ArrayList<>();
    // "… and of `enforcer` `name`, `backend` …": the keys behind it are of that section.
    String section = "";
    Matcher keys = Pattern.compile("`([\\w.]+)`").matcher(sentence.group(1));
    while (keys.find()) {
      if (keys.group(1).equals("enforcer")) {
        section = "enforcer.";
      } else {
        named.add(section + keys.group(1));
      }
    }
    assertThat(named).containsExactlyInAnyOrderElementsOf(RESTARTS.keySet());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          watcher: { threshold: 5 }
          watcher: { patterns: ['^/other'] }
          rules: [{ name: more, match: { paths: [a] }, threshold: 1 }]
          sources: [{ name: more, file: /var/log/more.log }]
          config: { neverBan: [192.0.2.0/24], mode: shadow }
          config: { authz: { callers: [10.0.0.0/8] }, limits: { maxNewBansPerMinute: 5 } }
          enforcer: { intervalSeconds: 10 }
          """)
  void anythingElse_changed_restartsNobody(String values) {
    RenderedChart before = DEFAULTS;
    RenderedChart after = render(values);
    assertThat(restarted(before, after)).isEmpty();
    assertThat(after.configs()).isNotEqualTo(before.configs());
  }
}
