package io.ipsentry.conformance.chart;

import io.fabric8.kubernetes.api.model.Secret;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Base64;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * The folders of a pod, as the kubelet fills them: the configuration, whose file is a link to a
 * link that is swapped when the ConfigMap changes, and certificates. Confined to one thread.
 *
 * <p>Everything lies below one directory, so paths of the pod are changed to paths there.
 */
public final class MountedConfig {
  private static final String RUN = "/run/ip-sentry";
  private static final String TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount";

  private final Path directory;
  private final UnaryOperator<String> ports;
  private int written;

  private MountedConfig(Path directory, UnaryOperator<String> ports) {
    this.directory = directory;
    this.ports = ports;
  }

  /**
   * Fills them.
   *
   * @param directory empty, and short enough for a Unix socket in it
   * @param document of the configuration
   * @param certificates the Secret of the admin API
   */
  public static MountedConfig in(Path directory, String document, Secret certificates) {
    return in(directory, document, certificates, UnaryOperator.identity());
  }

  /**
   * Fills them.
   *
   * @param ports changes the document's ports, for pods have an address of their own
   */
  static MountedConfig in(
      Path directory, String document, Secret certificates, UnaryOperator<String> ports) {
    MountedConfig mounted = new MountedConfig(directory, ports);
    try {
      mounted.mount("tls", certificates);
      Files.createDirectories(mounted.folder());
      mounted.update(document);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write to " + directory, e);
    }
    return mounted;
  }

  /** Mounts a Secret below {@value #RUN}. */
  void mount(String name, Secret secret) {
    try {
      Path folder = Files.createDirectories(run().resolve(name));
      for (Map.Entry<String, String> file : secret.getData().entrySet()) {
        Files.write(folder.resolve(file.getKey()), Base64.getDecoder().decode(file.getValue()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write to " + directory, e);
    }
  }

  /** Another document is in the ConfigMap. */
  public void update(String document) {
    try {
      String before = "..data-" + written;
      written++;
      Path now = Files.createDirectory(folder().resolve("..data-" + written));
      Files.writeString(
          now.resolve("ip-sentry.yaml"),
          ports.apply(
              document.replace(RUN, run().toString()).replace(TOKEN, directory.toString())));
      Path swapped = folder().resolve("..data_tmp");
      Files.createSymbolicLink(swapped, now.getFileName());
      Files.move(swapped, folder().resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
      if (written == 1) {
        Files.createSymbolicLink(file(), Path.of("..data", "ip-sentry.yaml"));
      } else {
        Files.delete(folder().resolve(before).resolve("ip-sentry.yaml"));
        Files.delete(folder().resolve(before));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write to " + directory, e);
    }
  }

  /** What {@code --config} names. */
  public Path file() {
    return folder().resolve("ip-sentry.yaml");
  }

  /** In place of {@value #RUN}. */
  public Path run() {
    return directory.resolve("run");
  }

  /** Where the token of the service account is looked for. */
  public Path token() {
    return directory.resolve("token");
  }

  private Path folder() {
    return directory.resolve("config");
  }
}
