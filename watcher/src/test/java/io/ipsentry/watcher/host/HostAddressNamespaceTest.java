package io.ipsentry.watcher.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Reads the real kernel, in a namespace with addresses that are known. */
@RequiresRoot
@RequiresProgram("ip")
final class HostAddressNamespaceTest {
  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void read_namespace_seesInterfacesAndGatewaysAndTheirChange() throws IOException {
    try (NetworkNamespace host = NetworkNamespace.create("host")) {
      host.addInterface("eth0", List.of("203.0.113.4/24", "2001:db8:1::4/64"));
      host.run("ip", "route", "add", "default", "via", "203.0.113.1");
      host.run("ip", "-6", "route", "add", "default", "via", "2001:db8:1::1", "dev", "eth0");
      Process process = printer(host);
      try (BufferedReader output = process.inputReader()) {
        assertThat(output.readLine())
            .contains("eth0=[203.0.113.4, 2001:db8:1::4]")
            .contains("gateways=[203.0.113.1, 2001:db8:1::1]")
            .doesNotContain("fe80")
            .doesNotContain("127.0.0.1");

        host.run("ip", "address", "add", "203.0.113.77/32", "dev", "eth0");

        assertThat(output.readLine()).contains("eth0=[203.0.113.4, 203.0.113.77, 2001:db8:1::4]");
      } finally {
        process.destroyForcibly();
      }
    }
  }

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void read_noInterfaceIsUp_isEmptyAndSeesTheFirst() throws IOException {
    try (NetworkNamespace host = NetworkNamespace.create("bare")) {
      host.run("ip", "link", "set", "lo", "down");
      Process process = printer(host);
      try (BufferedReader output = process.inputReader()) {
        assertThat(output.readLine()).contains("interfaces={}").contains("gateways=[]");

        host.addInterface("eth0", List.of("203.0.113.4/24"));

        assertThat(output.readLine()).contains("eth0=[203.0.113.4]");
      } finally {
        process.destroyForcibly();
      }
    }
  }

  private static Process printer(NetworkNamespace host) throws IOException {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    List<String> program =
        List.of(
            java, "-cp", System.getProperty("java.class.path"), HostAddressPrinter.class.getName());
    return new ProcessBuilder(host.command(program))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }
}
