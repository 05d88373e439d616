package io.ipsentry.conformance.hands;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ipsentry.conformance.hands.Hand.Target;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.RuleId;
import io.ipsentry.testing.cluster.Kubectl;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.core.ConditionFactory;

/** All hands at a {@link ProtectedSite}. Confined to one thread. */
final class Hands {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String BLOCKLIST = "ip-sentry-blocklist";

  /** Of every rule of the site. */
  private static final int THRESHOLD = 3;

  private final ProtectedSite site;
  private final Shield shield;
  private int files;
  private int strangers;
  private boolean policed;

  Hands(ProtectedSite site, Shield shield) {
    this.site = site;
    this.shield = shield;
  }

  List<Hand> all() {
    return List.of(
        new Hand("kubectl patch", true, true, true, this::patch),
        new Hand("kubectl edit", true, true, true, this::edit),
        new Hand("kubectl apply", true, true, true, this::apply),
        new Hand("kubectl apply --server-side", true, true, true, this::applyServerSide),
        new Hand("kubectl replace", true, true, true, this::replace),
        new Hand("ip-sentry ban", true, true, true, this::ban),
        new Hand("ip-sentry import list", true, true, true, this::importList),
        new Hand("ip-sentry import original", true, true, true, this::importOriginal),
        new Hand("lines of a log", false, true, true, this::lines),
        new Hand("lines with X-Forwarded-For", false, false, true, this::forwarded),
        new Hand("inline rule over HTTP", false, false, false, this::inlineHttp),
        new Hand("inline rule over gRPC", false, true, false, this::inlineGrpc),
        new Hand("inline rule of a BanPolicy", false, false, false, this::policy),
        new Hand("reported hits", false, true, true, this::reported),
        new Hand("feed", true, true, false, this::feed),
        new Hand("alwaysBan", true, true, true, this::alwaysBan),
        new Hand("an event in the log", true, true, false, this::event),
        new Hand("a feed in the log", true, true, false, this::feedEvent));
  }

  private static ConditionFactory soon(String what) {
    return await(what).atMost(RunningIpSentry.PATIENCE);
  }

  // ---- kubectl at the blocklist

  private static String entry() {
    return "{\"banned_at\":\"%s\",\"expires_at\":\"2099-01-01T00:00:00Z\",\"reason\":\"manual\",\"hit_count\":1}"
        .formatted(Instant.now());
  }

  /** A document as the original's README has it. */
  private static String document(Target target, IpPrefix control) {
    return "{\"%s\":%s,\"%s\":%s}".formatted(target.written(), entry(), control, entry());
  }

  /**
   * Does it, and waits for the note that says why not; of whom a ban stands, the document has an
   * entry already, and it asks for nothing.
   */
  private void noted(Target target, Runnable act) {
    boolean stands = stands(target);
    int before = notes(target);
    act.run();
    if (!stands) {
      soon("a note about " + target.ip()).until(() -> notes(target) > before);
    }
  }

  /** Whether the log holds a ban, made before it was protected or by force. */
  private boolean stands(Target target) {
    return site.watcher().command("get", target.address().toString()).out().contains("  ban of ");
  }

  /** An editor may also put it above an entry that was there already, and that holds then. */
  private int notes(Target target) {
    String refused = target.ip() + " was not banned: ";
    String twice = target.ip() + " stands there twice; the last one holds";
    return Collections.frequency(
        site.notes().stream()
            .map(note ->
                note.contains(refused) && note.contains("is protected") || note.contains(twice))
            .toList(),
        true);
  }

  private void patch(Target target, IpPrefix control) {
    noted(
        target,
        () -> {
          ObjectNode patch = JSON.createObjectNode();
          patch.putObject("data").put("blocklist.json", document(target, control));
          String ignored =
              site.kubectl()
                  .run("patch", "configmap", BLOCKLIST, "--type=merge", "-p", patch.toString());
        });
  }

  private void edit(Target target, IpPrefix control) {
    noted(
        target,
        () -> {
          String lines =
              Stream.of(target.written(), control.toString())
                  .map(each -> "      \"%s\": %s,\\n".formatted(each, entry()))
                  .reduce("", String::concat);
          Path script =
              site.file(
                  "edit-" + ++files,
                  // Before the first entry, in the indentation of the document in YAML.
                  "s|^    {$|    {\\n" + lines.substring(0, lines.length() - 2) + "|");
          String edited =
              site.kubectl()
                  .withEnvironment("KUBE_EDITOR", "sed -i -f " + script)
                  .run("edit", "configmap", BLOCKLIST);
          assertThat(edited).contains("edited");
        });
  }

  private static String manifest(Target target, IpPrefix control) {
    return """
    apiVersion: v1
    kind: ConfigMap
    metadata: { name: %s }
    data: { blocklist.json: '%s' }
    """
        .formatted(BLOCKLIST, document(target, control));
  }

  private void apply(Target target, IpPrefix control) {
    noted(
        target,
        () -> {
          String ignored = site.kubectl().feed(manifest(target, control), "apply", "-f", "-");
        });
  }

  private void applyServerSide(Target target, IpPrefix control) {
    noted(
        target,
        () -> {
          String ignored =
              site.kubectl()
                  .feed(
                      manifest(target, control),
                      "apply",
                      "--server-side",
                      "--force-conflicts",
                      "--field-manager=gitops",
                      "-f",
                      "-");
        });
  }

  /** Reads the whole object, changes its document and puts it back. */
  private void replace(Target target, IpPrefix control) {
    noted(
        target,
        () ->
            soon("replaced")
                .until(() -> {
                  Kubectl kubectl = site.kubectl();
                  ObjectNode object =
                      (ObjectNode)
                          JSON.readTree(kubectl.run("get", "configmap", BLOCKLIST, "-o", "json"));
                  ObjectNode data = (ObjectNode) object.get("data");
                  ObjectNode document =
                      (ObjectNode) JSON.readTree(data.get("blocklist.json").asText());
                  document.setAll((ObjectNode) JSON.readTree(document(target, control)));
                  data.put("blocklist.json", document.toPrettyString());
                  Path file = site.file("replace.json", object.toString());
                  // Refused when the leader has written it meanwhile: then it is read again.
                  return kubectl.attempt("replace", "-f", file.toString()).exitCode() == 0;
                }));
  }

  // ---- the admin API

  private void ban(Target target, IpPrefix control) {
    IpSentry.Result refused = site.watcher().command("ban", target.written(), "--for", "24h");
    assertThat(refused.exitCode()).isEqualTo(1);
    assertReason(refused.err(), target);
    IpSentry.Result banned = site.watcher().command("ban", control.toString(), "--for", "24h");
    assertThat(banned.exitCode()).as(banned.err()).isZero();
  }

  private static void assertReason(String said, Target target) {
    assertThat(said)
        .contains(target.ip().toString())
        .containsPattern("banned: \\S|reserved|private|proxy|cluster|neverBan|allow");
  }

  private void importList(Target target, IpPrefix control) {
    if (target.ip().bits() == 0) {
      // Nobody's list holds everything: it is not taken at all.
      IpSentry.Result refused =
          site.imports("list", site.file("list.txt", target.written() + "\n" + control + "\n"));
      assertThat(refused.exitCode()).as(refused.out() + refused.err()).isEqualTo(3);
      assertThat(refused.err()).contains(target.written() + "' is wider than /");
      IpSentry.Result taken = site.imports("list", site.file("list.txt", control + "\n"));
      assertThat(taken.exitCode()).as(taken.out() + taken.err()).isZero();
      return;
    }
    Path list = site.file("list.txt", target.written() + "\n" + control + "\n");
    IpSentry.Result result = site.imports("list", list);
    assertThat(result.exitCode()).as(result.out() + result.err()).isEqualTo(1);
    assertReason(result.err(), target);
  }

  private void importOriginal(Target target, IpPrefix control) {
    Path file = site.file("blocklist.json", document(target, control));
    IpSentry.Result result = site.imports("original", file);
    assertThat(result.exitCode()).as(result.out() + result.err()).isEqualTo(1);
    assertReason(result.err(), target);
  }

  // ---- rules

  /**
   * Does it, and waits until the watcher has counted a ban that it did not make. Of whom the log
   * holds a ban, which has no force here, nothing is decided anew while it stands.
   */
  private void counted(Target target, Runnable act) {
    boolean stands = stands(target);
    double before = site.refusedBans();
    act.run();
    if (!stands) {
      soon("counted as refused").until(() -> site.refusedBans() > before);
    }
  }

  private void lines(Target target, IpPrefix control) {
    counted(target, () -> site.watcher().probe(target.written(), THRESHOLD));
    site.watcher().probe(control.toString(), THRESHOLD);
  }

  private void forwarded(Target target, IpPrefix control) {
    Runnable act = () -> site.logForwarded(control + ", " + target.written(), THRESHOLD);
    if (shield.isTrustedProxy(target.address())) {
      // Its word about the one before it is believed: the hits are the control's.
      act.run();
    } else {
      counted(target, act);
    }
    // What stands left of an address that is not trusted is anybody's word.
    site.logForwarded(target.written() + ", " + control, THRESHOLD);
  }

  private static String addressAllowed(String transport, String policy) {
    return "ip_sentry_checks_total{policy=\"%s\",transport=\"%s\",verdict=\"address-allowed\"}"
        .formatted(policy, transport);
  }

  private double checks(String sample) {
    return site.server().metric(sample).orElse(0);
  }

  private void inlineHttp(Target target, IpPrefix control) {
    String sample = addressAllowed("http", "default");
    double before = checks(sample);
    for (int i = 0; i < 2 * THRESHOLD; i++) {
      assertThat(site.server().ask(target.written(), "/.git/config")).isEqualTo(200);
    }
    assertThat(checks(sample)).isGreaterThanOrEqualTo(before + 2 * THRESHOLD);
    for (int i = 0; i < THRESHOLD; i++) {
      int status = site.server().ask(control.toString(), "/.git/config");
      assertThat(status).isEqualTo(i + 1 < THRESHOLD ? 200 : 403);
    }
  }

  private void inlineGrpc(Target target, IpPrefix control) {
    String sample = addressAllowed("grpc", "default");
    double before = checks(sample);
    for (int i = 0; i < 2 * THRESHOLD; i++) {
      assertThat(site.isRefusedOverGrpc(target.written(), "/.git/config")).isFalse();
    }
    assertThat(checks(sample)).isGreaterThanOrEqualTo(before + 2 * THRESHOLD);
    for (int i = 0; i < THRESHOLD; i++) {
      assertThat(site.isRefusedOverGrpc(control.toString(), "/.git/config"))
          .isEqualTo(i + 1 == THRESHOLD);
    }
  }

  /** A policy that bans at the first hit. */
  private void policy(Target target, IpPrefix control) {
    String policy = "gateway_" + site.namespace() + "_strict";
    if (!policed) {
      policed = true;
      site.create(
          """
          apiVersion: gateway.networking.k8s.io/v1
          kind: Gateway
          metadata: { name: strict }
          spec: { gatewayClassName: any, listeners: [{ name: http, port: 80, protocol: HTTP }] }
          ---
          apiVersion: ip-sentry.io/v1alpha1
          kind: BanPolicy
          metadata: { name: strict }
          spec:
            targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: strict }]
            attach: none
            thresholds: { threshold: 1 }
          """);
      // Each asks once, and the default policy wants three hits.
      soon("the policy is in force")
          .until(() ->
              site.server().ask(policy, "198.51.100." + ++strangers % 250, "/.git/config") == 403);
    }
    String sample = addressAllowed("http", policy);
    double before = checks(sample);
    for (int i = 0; i < THRESHOLD; i++) {
      assertThat(site.server().ask(policy, target.written(), "/.git/config")).isEqualTo(200);
    }
    assertThat(checks(sample)).isGreaterThanOrEqualTo(before + THRESHOLD);
    assertThat(site.server().ask(policy, control.toString(), "/.git/config")).isEqualTo(403);
  }

  /** Hits that another process says it has seen, whatever it knows of protection. */
  private void reported(Target target, IpPrefix control) {
    counted(target, () -> site.agent().add(hits(target.address())));
    site.agent().add(hits(control));
  }

  private static List<ReportedHit> hits(IpPrefix address) {
    ReportedHit hit =
        new ReportedHit(
            new RuleId("asked"),
            address.hi(),
            address.lo(),
            SeenAs.PEER,
            System.currentTimeMillis(),
            "^/\\.git",
            1);
    return Collections.nCopies(THRESHOLD, hit);
  }

  // ---- the configuration

  private void feed(Target target, IpPrefix control) {
    String name = site.feed(target.written() + "\n" + control + "\n");
    site.configure(shield);
    Pattern spares = Pattern.compile("\"name\":\"" + name + "\"[^}]*\"protected_prefixes\":[1-9]");
    soon("the feed spares what is protected")
        .until(() -> spares.matcher(site.watcher().command("status", "-o", "json").out()).find());
  }

  /**
   * What the configuration itself protects makes it invalid; what the cluster protects, or an
   * operator allowed, is left out.
   */
  private void alwaysBan(Target target, IpPrefix control) {
    int before = site.watcher().log().length();
    site.alwaysBan(control);
    site.alsoAlwaysBan(List.of(target.written()));
    site.configure(shield);
    soon("said why").until(() -> complaints(before).anyMatch(line -> names(line, target)));
    site.alsoAlwaysBan(List.of());
    site.configure(shield);
  }

  private Stream<String> complaints(int from) {
    return site.watcher()
        .log()
        .substring(from)
        .lines()
        .filter(
            line -> line.contains("\"level\":\"warn\"") || line.contains("\"level\":\"error\""));
  }

  private static boolean names(String line, Target target) {
    return line.contains("alwaysBan")
        && (line.contains(target.ip().toString()) || line.contains(target.written()));
  }

  // ---- the log itself, with the rights of the watcher

  private void event(Target target, IpPrefix control) {
    site.log().ban(target.ip().toString());
    site.log().ban(control.toString());
    IpSentry.Result got = site.watcher().command("get", target.address().toString());
    assertThat(got.exitCode()).as(got.out()).isEqualTo(1);
    assertThat(got.out()).containsPattern("never banned|without force|allow");
  }

  private void feedEvent(Target target, IpPrefix control) {
    site.log().feed("by-hand-" + ++files, target.ip().toString(), control.toString());
    soon("known")
        .until(
            () -> site.watcher().command("get", control.toString()).out().contains("held by feed"));
    IpSentry.Result got = site.watcher().command("get", target.address().toString());
    assertThat(got.exitCode()).as(got.out()).isEqualTo(1);
  }
}
