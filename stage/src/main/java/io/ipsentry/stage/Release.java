package io.ipsentry.stage;

import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;

/**
 * What is in the API server before a process of ip-sentry is: the namespaces, accounts and rights
 * of {@code docs/examples/cluster-rbac.yaml}, and the authz-servers' Service.
 */
final class Release {
  static final String NAMESPACE = "ip-sentry";

  /** Of the gateways. */
  static final String GATEWAYS = "nginx-gateway-fabric";

  private static final String LONGER_THAN_ANY_TEST = "--duration=12h";

  private final TestCluster cluster;
  private final Kubectl kubectl;

  /** Makes all of it. */
  Release(TestCluster cluster) {
    this.cluster = cluster;
    kubectl = cluster.kubectl().with("--namespace=" + NAMESPACE);
    Kubectl anywhere = cluster.kubectl();
    String ignored =
        anywhere.feed(
            """
            apiVersion: v1
            kind: Namespace
            metadata: { name: %1$s }
            ---
            apiVersion: v1
            kind: Namespace
            metadata: { name: %2$s }
            ---
            apiVersion: v1
            kind: Service
            metadata: { name: ip-sentry-authz-server, namespace: %1$s }
            spec: { clusterIP: %3$s, ports: [{ name: http, port: 9002 }] }
            """
                .formatted(NAMESPACE, GATEWAYS, Addresses.AUTHZ_SERVICE),
            "create",
            "-f",
            "-");
    ignored = anywhere.feed(Resources.text("cluster-rbac.yaml"), "apply", "-f", "-");
  }

  /** The administrator, in the namespace of the release. */
  Kubectl kubectl() {
    return kubectl;
  }

  /** The section {@code store} of who keeps the log, in one line. */
  String keeping(Path directory, String address, long leaseSeconds) {
    String account = "ip-sentry-watcher";
    return "store: { kubernetes: { kubeconfig: %s }, leader: { lease: %ds, insecure: true, tokenFile: %s, advertise: \"%s:9004\" } }\n"
        .formatted(
            kubeconfig(directory, account), leaseSeconds, token(directory, account), address);
  }

  /** The section {@code store} of who follows, in one line. */
  String following(Path directory) {
    String account = "ip-sentry-reader";
    return "store: { kubernetes: { kubeconfig: %s }, leader: { insecure: true, tokenFile: %s } }\n"
        .formatted(kubeconfig(directory, account), token(directory, account));
  }

  private Path token(Path directory, String account) {
    return written(directory.resolve("token"), newToken(account));
  }

  private String newToken(String account) {
    return kubectl.run("create", "token", account, LONGER_THAN_ANY_TEST).strip();
  }

  /** By the Service's address, as pods reach the API server. */
  private Path kubeconfig(Path directory, String account) {
    try {
      return written(
          directory.resolve("kubeconfig"),
          Files.readString(cluster.kubeconfig())
              .replace(cluster.uri().toString(), "https://" + Addresses.API_SERVICE + ":443")
              .replaceAll(
                  "token: \\S+", "token: " + Matcher.quoteReplacement(newToken(account)) + " ")
              .replace("namespace: default", "namespace: " + NAMESPACE));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the administrator's kubeconfig", e);
    }
  }

  private static Path written(Path file, String text) {
    try {
      return Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }
}
