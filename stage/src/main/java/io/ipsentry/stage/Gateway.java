package io.ipsentry.stage;

import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.cluster.ServerProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * The pod of a gateway: a real nginx that asks an authz-server before it answers, and behind it, in
 * the same process, an application. Both write their lines into pipes.
 */
final class Gateway {
  private static final Duration LOOK = Duration.ofSeconds(1);

  private Gateway() {}

  /** Prepares one whose files are in a directory; starts nothing. */
  static ServerProcess prepare(
      int node, NetworkNamespace pod, String address, Path directory, Duration patience) {
    try {
      Path config =
          Files.writeString(
              directory.resolve("nginx.conf"),
              Resources.text("gateway.conf")
                  .replace("${directory}", directory.toString())
                  .replace("${authz}", Addresses.AUTHZ_SERVICE)
                  .replace("${patience}", patience.toMillis() + "ms"));
      return new ServerProcess(
          "gateway-" + node,
          pod.command(
              List.of(
                  Programs.path("nginx").toString(),
                  "-p",
                  directory.toString(),
                  "-c",
                  config.toString())),
          directory.resolve("nginx.out"),
          () ->
              Http.ask(pod, "", address, 80, "GET /healthz HTTP/1.0\r\nHost: self\r\n", LOOK)
                  .isPresent(),
          StageOptions.PATIENCE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the configuration of a gateway", e);
    }
  }
}
