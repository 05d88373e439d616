package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.CertificateAuthority.Issued;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The configurations that docs/cluster.md tells to start from are in order as they are. */
@RequiresProgram("openssl")
final class ClusterExamplesTest {
  private static final Path EXAMPLES = Path.of("../docs/examples/cluster");

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"watcher.yaml", "authz-server.yaml", "enforcer.yaml", "agent.yaml"})
  void example_withItsCertificates_isValid(String name) throws IOException {
    CertificateAuthority authority = CertificateAuthority.create(directory, "ca");
    Issued pair = authority.issue("ip-sentry-watcher", "DNS:ip-sentry-watcher");
    String yaml =
        Files.readString(EXAMPLES.resolve(name))
            .replace("/run/ip-sentry/tls/ca.crt", authority.certificate().toString())
            .replace("/run/ip-sentry/tls/tls.crt", pair.certificate().toString())
            .replace("/run/ip-sentry/tls/tls.key", pair.key().toString());

    Config config =
        new ConfigLoader().parse(name, yaml.getBytes(StandardCharsets.UTF_8), directory).orThrow();

    assertThat(config.store().kubernetes()).isPresent();
  }
}
