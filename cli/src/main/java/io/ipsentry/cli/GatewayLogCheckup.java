package io.ipsentry.cli;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.kubernetes.checkup.Answer;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Pod;
import io.ipsentry.kubernetes.checkup.ClusterLook;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.ReservedPrefixes;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Looks at the last lines that a gateway's pod has logged, as a source would read them. */
final class GatewayLogCheckup {
  private static final int MIN_LINES_TO_JUDGE = 20;

  /** Reads any format that is recognised; its lines come from the API server. */
  private static final String ANY = "sources: [{ name: gateway, stdin: true }]\n";

  private final ClusterLook look;
  private final Config any;
  private final ProtectedPrefixes cluster;
  private final Shell shell;

  /**
   * @param parts what must never be banned in the cluster
   */
  GatewayLogCheckup(ClusterLook look, List<Part> parts, Shell shell) {
    this.look = look;
    this.shell = shell;
    ConfigResult read =
        new ConfigLoader(shell.clock())
            .parse("doctor", ANY.getBytes(StandardCharsets.UTF_8), Path.of("/"));
    any =
        switch (read) {
          case ConfigResult.Valid valid -> valid.config();
          case ConfigResult.Invalid invalid ->
              throw new IllegalStateException("a source of any format: " + invalid.errors());
        };
    cluster = protection(parts);
  }

  /** What clients are not: what must never be banned, and a CDN's edge. */
  static ProtectedPrefixes protection(List<Part> parts) {
    List<Part> all = new ArrayList<>(parts);
    all.add(Part.of(Protection.Kind.TRUSTED_PROXY, ReservedPrefixes.CLOUDFLARE));
    all.addAll(ProtectedPrefixes.reserved(true));
    return ProtectedPrefixes.of(all);
  }

  /**
   * Looks at the log of one container.
   *
   * @param configuration that is in force there; empty: not known
   * @param source that reads it; empty: none, or not known
   * @param logged the requests that it tells of are added
   */
  List<Finding> look(
      Pod pod,
      Optional<Config> configuration,
      Optional<SourceConfig> source,
      List<LoggedRequest> logged) {
    boolean known = configuration.isPresent() && source.isPresent();
    Config config = known ? configuration.get() : any;
    String check = "log of " + pod.namespace() + "/" + pod.name();
    Answer<List<String>> answer = look.log(pod);
    if (answer instanceof Answer.Untold<List<String>>(var why, var forbidden)) {
      return List.of(
          forbidden
              ? Finding.warn(
                  check,
                  "not looked at: you may not get pods/log in " + pod.namespace(),
                  "have somebody bind you the ClusterRole ip-sentry-doctor of"
                      + " docs/examples/cluster-rbac.yaml")
              : Finding.fail(
                      check,
                      "it cannot be read through the API server: " + why,
                      "see kubectl -n " + pod.namespace() + " logs " + pod.name())
                  .because("the watcher reads it the same way"));
    }
    LogSample sample =
        LogSample.of(
            answer.told().orElse(List.of()),
            config,
            source.filter(_ -> known).orElseGet(() -> config.sources().getFirst()),
            cluster,
            shell.clock().instant());
    logged.addAll(sample.requests());
    return judge(check, sample);
  }

  private List<Finding> judge(String check, LogSample sample) {
    List<Finding> found = new ArrayList<>();
    int understood = sample.lines() - sample.missed();
    if (sample.lines() == 0) {
      return List.of(
          Finding.warn(check, "it is empty", "turn the access log of the gateway on")
              .because("nobody can be banned by what is not logged"));
    }
    String read = understood + " of the last " + sample.lines() + " lines understood";
    if (understood == 0) {
      return List.of(
          Finding.fail(
                  check,
                  read,
                  "name the format of the source; see kubectl logs … | ip-sentry explain -")
              .because("nobody can be banned by lines that are not understood"));
    }
    found.add(
        sample.missed() * 20 > sample.lines()
            ? Finding.warn(
                check,
                read + " as " + sample.format(),
                "see which are not: kubectl logs … | ip-sentry explain -")
            : Finding.ok(check, read + " as " + sample.format()));
    if (sample.withUserAgent() == 0 && understood >= MIN_LINES_TO_JUDGE) {
      found.add(
          Finding.warn(
                  check,
                  "no line tells the User-Agent",
                  "Traefik: --accesslog.fields.headers.names.User-Agent=keep; else log it")
              .because("rules with userAgents match nothing"));
    }
    clients(check, sample, found);
    return found;
  }

  private void clients(String check, LogSample sample, List<Finding> found) {
    int withClient = sample.withClient();
    Optional<IpPrefix> most = sample.mostFrequent().map(Map.Entry::getKey);
    if (withClient < MIN_LINES_TO_JUDGE || most.isEmpty()) {
      return;
    }
    Optional<Protection> known = cluster.protects(most.get());
    if (sample.protectedLines() * 10 < withClient * 9 || known.isEmpty()) {
      return;
    }
    Protection what = known.get();
    boolean edge = ReservedPrefixes.CLOUDFLARE.covers(most.get());
    String name = edge ? "Cloudflare's edge" : "a " + what.description();
    String mend =
        edge
            ? "trustedProxies: [cloudflare], and have the gateway log X-Forwarded-For"
            : switch (what.detail()) {
              case "node" ->
                  "externalTrafficPolicy: Local at the gateway's Service, or the PROXY protocol";
              case "pod network" ->
                  "another proxy in the cluster is before it: add its network to trustedProxies,"
                      + " and log X-Forwarded-For";
              default ->
                  "have the gateway log the client (X-Forwarded-For), and name what is before it in"
                      + " trustedProxies";
            };
    found.add(
        Finding.fail(
                check,
                sample.protectedLines()
                    + " of "
                    + withClient
                    + " logged clients can never be banned; most often "
                    + most.get()
                    + ", "
                    + name,
                mend)
            .because("the gateway sees what is before it in place of its clients"));
  }
}
