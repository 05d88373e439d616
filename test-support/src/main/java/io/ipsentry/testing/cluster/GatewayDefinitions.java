package io.ipsentry.testing.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The definitions (CRDs) of the kinds that gateways bring: those of the Gateway API (experimental
 * channel), Envoy Gateway, Traefik and Istio are their own, out of their Go modules ({@code
 * conformance-tests/get-gateway-crds.sh} gets them once); those of NGINX Gateway Fabric, whose
 * module cannot be had, are written from its documentation. Stateless.
 */
public final class GatewayDefinitions {
  /** Relative to the directory of any module, which is where tests run. */
  private static final Path GET = Path.of("..", "conformance-tests", "get-gateway-crds.sh");

  private static final String WRITTEN = "ngf-crds.yaml";

  /** To download tens of megabytes, where nobody has yet. */
  private static final int MAX_GET_SECONDS = 300;

  private GatewayDefinitions() {}

  /**
   * Makes them known to a cluster, and waits until it serves them. Doing it twice changes nothing.
   *
   * @throws IllegalStateException if they are not there and cannot be had: without Go, or a network
   */
  public static void install(TestCluster cluster) {
    Kubectl kubectl = cluster.kubectl();
    String applied =
        kubectl.run("apply", "--server-side", "--force-conflicts", "-f", directory().toString())
            + kubectl.feed(written(), "apply", "--server-side", "--force-conflicts", "-f", "-");
    List<String> names =
        applied
            .lines()
            .filter(line -> line.startsWith("customresourcedefinition"))
            .map(line -> line.substring(line.indexOf('/') + 1, line.indexOf(' ')))
            .toList();
    String[] wait = new String[names.size() + 4];
    wait[0] = "wait";
    wait[1] = "--for=condition=Established";
    wait[2] = "--timeout=60s";
    wait[3] = "crd";
    for (int i = 0; i < names.size(); i++) {
      wait[i + 4] = names.get(i);
    }
    String ignored = kubectl.run(wait);
  }

  /** Where the files are; gets them, if they are not there yet. */
  public static Path directory() {
    try {
      Process get =
          new ProcessBuilder("sh", GET.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      String path = new String(get.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      if (!get.waitFor(MAX_GET_SECONDS, TimeUnit.SECONDS) || get.exitValue() != 0) {
        get.destroyForcibly();
        throw new IllegalStateException(GET + " cannot get the definitions of gateways");
      }
      return Path.of(path);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + GET, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while running " + GET, e);
    }
  }

  private static String written() {
    try (InputStream in = GatewayDefinitions.class.getResourceAsStream(WRITTEN)) {
      if (in == null) {
        throw new IllegalStateException(WRITTEN + " is not on the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + WRITTEN, e);
    }
  }
}
