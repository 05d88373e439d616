package io.ipsentry.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which cluster a command goes to, and as whom. */
final class ClusterOptions {
  /** Set by the program that {@code kubectl ip-sentry} starts. */
  static final String PLUGIN_VARIABLE = "IP_SENTRY_KUBECTL_PLUGIN";

  private static final String KUBECONFIG_VARIABLE = "KUBECONFIG";

  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description = {
        "Go through the watcher in the cluster of this kubeconfig, as its user: by a port-forward"
            + " through the API server, or with --server directly. Default, when one of the options"
            + " below is given, or as kubectl ip-sentry: $KUBECONFIG, else ~/.kube/config."
      })
  private @Nullable Path kubeconfig;

  @Option(
      names = "--context",
      paramLabel = "NAME",
      description = "In a cluster: context of the kubeconfig. Default: its current one.")
  private @Nullable String context;

  @Option(
      names = {"-n", "--namespace"},
      paramLabel = "NAME",
      description = "In a cluster: where the watcher is. Default: the context's, else default.")
  private @Nullable String namespace;

  @Option(
      names = "--release",
      paramLabel = "NAME",
      description = "In a cluster: release of the watcher. Default: ip-sentry.")
  private @Nullable String release;

  /** Whether the person means a cluster. */
  boolean isGiven() {
    return Stream.of(kubeconfig, context, namespace, release).anyMatch(option -> option != null);
  }

  /** Whether it says which watcher, which a server's address says already. */
  boolean namesWatcher() {
    return namespace != null || release != null;
  }

  /** Files, of which the first that says something wins. */
  List<Path> kubeconfigs(Shell shell) {
    if (kubeconfig != null) {
      return List.of(kubeconfig);
    }
    Optional<String> variable = shell.variable(KUBECONFIG_VARIABLE);
    if (variable.isPresent()) {
      return Arrays.stream(variable.get().split(":"))
          .filter(name -> !name.isEmpty())
          .map(Path::of)
          .toList();
    }
    Path home = shell.user().home();
    return List.of((home == null ? Path.of("") : home).resolve(".kube").resolve("config"));
  }

  Optional<String> context() {
    return Optional.ofNullable(context);
  }

  Optional<String> namespace() {
    return Optional.ofNullable(namespace);
  }

  Optional<String> release() {
    return Optional.ofNullable(release);
  }
}
