package io.ipsentry.conformance.chart;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.Release;
import com.marcnuri.helm.TemplateCommand;
import com.marcnuri.helm.UpgradeCommand;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The chart {@code charts/ip-sentry}, rendered and installed by Helm itself, which runs in this
 * process. Stateless.
 */
public final class HelmChart {
  /** Where it lies, as seen from a module of the project. */
  public static final Path FOLDER = Path.of("../charts/ip-sentry");

  /** Name of the release in every test. */
  public static final String RELEASE = "ip-sentry";

  /** Helm by itself assumes a version that is older than the chart wants. */
  private static final String KUBERNETES = "1.34.0";

  private HelmChart() {}

  /**
   * Renders it, as {@code helm template} does.
   *
   * @param values YAML, later ones over earlier ones
   * @throws IllegalStateException with what Helm says, if it does not render
   */
  public static RenderedChart render(String namespace, String... values) {
    return withFiles(
        List.of(values),
        files -> {
          TemplateCommand command =
              new Helm(FOLDER)
                  .template()
                  .withName(RELEASE)
                  .withNamespace(namespace)
                  .withKubeVersion(KUBERNETES);
          files.forEach(command::withValuesFile);
          return new RenderedChart(command.call());
        });
  }

  /** What {@code helm lint --strict} finds. */
  static LintResult lint() {
    return new Helm(FOLDER).lint().strict().call();
  }

  /**
   * {@code helm upgrade --install} into a namespace that there is.
   *
   * @param values YAML, later ones over earlier ones
   */
  public static Release upgrade(TestCluster cluster, String namespace, String... values) {
    return upgrade(FOLDER, cluster, namespace, values);
  }

  /** The same with another chart. */
  static Release upgrade(Path chart, TestCluster cluster, String namespace, String... values) {
    return withFiles(
        List.of(values),
        files -> {
          UpgradeCommand command =
              new Helm(chart)
                  .upgrade()
                  .install()
                  .withName(RELEASE)
                  .withNamespace(namespace)
                  .withKubeConfig(cluster.kubeconfig());
          files.forEach(command::withValuesFile);
          return command.call();
        });
  }

  /** {@code helm uninstall}. */
  static void uninstall(TestCluster cluster, String namespace) {
    String ignored =
        Helm.uninstall(RELEASE)
            .withNamespace(namespace)
            .withKubeConfig(cluster.kubeconfig())
            .call();
  }

  private static <T> T withFiles(List<String> values, Rendering<T> rendering) {
    try {
      Path directory = Files.createTempDirectory("values");
      try {
        List<Path> files = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
          files.add(Files.writeString(directory.resolve(i + ".yaml"), values.get(i)));
        }
        return rendering.of(files);
      } finally {
        for (int i = 0; i < values.size(); i++) {
          Files.deleteIfExists(directory.resolve(i + ".yaml"));
        }
        Files.deleteIfExists(directory);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the values", e);
    }
  }

  @FunctionalInterface
  private interface Rendering<T> {
    T of(List<Path> files);
  }
}
