package io.ipsentry.conformance.cluster;

import io.ipsentry.conformance.program.RunningWatcher;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.regex.Matcher;

/**
 * A namespace of a test cluster with the identities and rights of {@code
 * docs/examples/cluster-rbac.yaml}, for the release {@code ip-sentry}.
 */
public final class ReleaseInCluster {
  private static final Path RIGHTS = Path.of("../docs/examples/cluster-rbac.yaml");
  private static final String NAMESPACE = "namespace: ip-sentry";

  private final String namespace;
  private final TestCluster cluster;
  private final Kubectl kubectl;

  private ReleaseInCluster(TestCluster cluster) {
    this.cluster = cluster;
    namespace = cluster.newNamespace();
    kubectl = cluster.kubectl().with("--namespace=" + namespace);
  }

  /** Makes one. */
  public static ReleaseInCluster in(TestCluster cluster) {
    ReleaseInCluster release = new ReleaseInCluster(cluster);
    try {
      String rights =
          Files.readString(RIGHTS)
              .replace(NAMESPACE, "namespace: " + release.namespace)
              // The gateway of a test is in the namespace of its release.
              .replace("namespace: nginx-gateway-fabric", "namespace: " + release.namespace)
              // Of the whole cluster, which other tests share.
              .replaceAll(
                  "(kind: ClusterRole(?:Binding)?\\nmetadata: \\{ name: )ip-sentry-watcher",
                  "$1ip-sentry-watcher-" + Matcher.quoteReplacement(release.namespace))
              .replace(
                  "kind: ClusterRole, name: ip-sentry-watcher",
                  "kind: ClusterRole, name: ip-sentry-watcher-" + release.namespace)
              .replace(
                  "{ name: ip-sentry-watcher-auth", "{ name: ip-sentry-auth-" + release.namespace)
              .replace(
                  "{ name: ip-sentry-watcher, namespace: default }",
                  "{ name: ip-sentry-watcher-" + release.namespace + ", namespace: default }");
      // One document has its own namespace, so it is not named on the command line.
      String ignored = cluster.kubectl().feed(forDefault(rights, release), "apply", "-f", "-");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + RIGHTS, e);
    }
    return release;
  }

  /** The role in {@code default} is of this test's own name there. */
  private static String forDefault(String rights, ReleaseInCluster release) {
    int last = rights.lastIndexOf("kind: Role, name: ip-sentry-watcher");
    return rights.substring(0, last)
        + "kind: Role, name: ip-sentry-watcher-"
        + release.namespace
        + rights.substring(last + "kind: Role, name: ip-sentry-watcher".length());
  }

  /** Acts as the administrator, in the namespace. */
  public Kubectl kubectl() {
    return kubectl;
  }

  /** Its name. */
  public String namespace() {
    return namespace;
  }

  /**
   * Starts a watcher in a directory of its own, and waits until it is ready.
   *
   * @param lease such as {@code 3s}
   * @param more YAML beside sources, store, admin and metrics
   */
  public RunningWatcher watcher(Path directory, String lease, String more) {
    Path own = made(directory);
    return RunningWatcher.start(
        own,
        "{ kubernetes: { kubeconfig: %s }, leader: { lease: %s, insecure: true, tokenFile: %s, "
                .formatted(
                    kubeconfig(own, "ip-sentry-watcher"), lease, token(own, "ip-sentry-watcher"))
            + "advertise: \"127.0.0.1:%d\" } }",
        more);
  }

  /** The section of the configuration of a process that follows, in a directory of its own. */
  String followedStore(Path directory) {
    Path own = made(directory);
    return "store: { kubernetes: { kubeconfig: %s }, leader: { insecure: true, tokenFile: %s } }\n"
        .formatted(kubeconfig(own, "ip-sentry-reader"), token(own, "ip-sentry-reader"));
  }

  private static Path made(Path directory) {
    try {
      return Files.createDirectories(directory);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make a directory", e);
    }
  }

  /**
   * Patches the blocklist as the original's README has it: the document is that one entry.
   *
   * @return how {@code kubectl} ended
   */
  Kubectl.Outcome patchBlocklist(String address) {
    return kubectl.attempt(
        "patch",
        "configmap",
        "ip-sentry-blocklist",
        "--type=merge",
        "-p",
        ("{\"data\":{\"blocklist.json\":\"{\\\"%s\\\":{\\\"banned_at\\\":\\\"%s\\\","
                + "\\\"expires_at\\\":\\\"2099-01-01T00:00:00Z\\\",\\\"reason\\\":"
                + "\\\"manual\\\",\\\"hit_count\\\":1}}\"}}")
            .formatted(address, Instant.now()));
  }

  /** The blocklist that people see; empty: there is none. */
  String blocklist() {
    return kubectl
        .attempt(
            "get", "configmap", "ip-sentry-blocklist", "-o", "jsonpath={.data.blocklist\\.json}")
        .out();
  }

  /** A file with a token of one of the identities, in a directory. */
  public Path token(Path directory, String serviceAccount) {
    try {
      return Files.writeString(
          directory.resolve(serviceAccount + ".token"),
          kubectl.run("create", "token", serviceAccount, "--duration=2h").strip());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write a token", e);
    }
  }

  /**
   * A kubeconfig of one of the identities.
   *
   * @param directory it is written to
   */
  public Path kubeconfig(Path directory, String serviceAccount) {
    String token = kubectl.run("create", "token", serviceAccount, "--duration=2h").strip();
    try {
      String admin = Files.readString(cluster.kubeconfig());
      return Files.writeString(
          directory.resolve(serviceAccount + ".kubeconfig"),
          admin
              .replaceAll("token: \\S+", "token: " + Matcher.quoteReplacement(token) + " ")
              .replace("namespace: default", "namespace: " + namespace));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write a kubeconfig", e);
    }
  }
}
