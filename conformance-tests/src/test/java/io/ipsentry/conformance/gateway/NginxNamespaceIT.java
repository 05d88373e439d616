package io.ipsentry.conformance.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real nginx between two network namespaces: real packets, real addresses of both families. */
@RequiresRoot
@RequiresProgram({"nginx", "ip"})
final class NginxNamespaceIT {
  private static final String PORT = "8080";

  @TempDir private Path directory;

  @Test
  void probe_overTheWire_bansClientsButNeverTheHostItself() throws IOException {
    try (NetworkNamespace host = NetworkNamespace.create("host");
        NetworkNamespace world = NetworkNamespace.create("world")) {
      NetworkNamespace.connect(
          "veth0",
          host,
          List.of("203.0.113.1/24", "2001:db8:1::1/64"),
          world,
          List.of("203.0.113.7/24", "203.0.113.8/24", "2001:db8:1::7/64", "2001:db8:2::7/64"));
      host.run("ip", "-6", "route", "add", "2001:db8:2::/64", "dev", "veth0");
      world.run("ip", "-6", "route", "add", "default", "via", "2001:db8:1::1", "dev", "veth0");
      try (Nginx nginx =
              Nginx.start(
                  host::command,
                  directory,
                  List.of("203.0.113.1:" + PORT, "[2001:db8:1::1]:" + PORT),
                  "");
          RunningIpSentry ipSentry =
              RunningIpSentry.startIn(
                  host::command,
                  directory,
                  """
                  sources:
                    - file: %s
                      format: combined
                  rules:
                    - name: probing
                      match: { packs: [default] }
                      threshold: 3
                      distinct: 2
                      window: 10m
                      ban: { for: 24h }
                  trustedProxies: []
                  """
                      .formatted(nginx.accessLog()))) {
        probe(host, "203.0.113.1", "203.0.113.1");
        // In the /64 of the host's own address: a ban of it would cover the host.
        probe(world, "2001:db8:1::7", "2001:db8:1::1");
        probe(world, "203.0.113.7", "203.0.113.1");
        probe(world, "2001:db8:2::7", "2001:db8:1::1");

        await("bans")
            .atMost(RunningIpSentry.PATIENCE)
            .untilAsserted(() ->
                assertThat(ipSentry.list())
                    .extracting(row -> row.get("ip"))
                    .containsExactlyInAnyOrder("203.0.113.7", "2001:db8:2::/64"));
        assertThat(ipSentry.history())
            .extracting(event -> event.get("seen_as"))
            .containsExactly("peer", "peer");
      }
    }
  }

  private static void probe(NetworkNamespace from, String address, String to) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                ProbeProgram.class.getName(),
                address,
                to,
                PORT));
    command.addAll(List.of("/.env", "/.git/config", "/wp-login.php", "/.aws/credentials"));
    Programs.run(from.command(command));
  }
}
