package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RestartKeysTest {
  private static final String STARTED =
      """
      store: { path: a.db, keepHistory: 30d }
      admin: { socket: a.sock, listen: "127.0.0.1:9004", insecure: true }
      metrics: { listen: "127.0.0.1:9003" }
      authz: { listen: "127.0.0.1:9001", maxConcurrentChecks: 5 }
      """;

  @TempDir private Path directory;
  private Config started;

  @BeforeEach
  void start() throws IOException {
    started = config(STARTED);
  }

  private Config config(String yaml) throws IOException {
    Path file = Files.writeString(directory.resolve("ip-sentry.yaml"), yaml);
    return new ConfigLoader().load(file).orThrow();
  }

  @Test
  void waiting_sameOrReadAgain_isNothing() throws IOException {
    Config now =
        config(
            STARTED
                    .replace("keepHistory: 30d", "keepHistory: 40d")
                    .replace("maxConcurrentChecks: 5", "maxConcurrentChecks: 6")
                + "neverBan: [192.0.2.1]\n");

    assertThat(RestartKeys.waiting(RestartKeys.OF_RUN, started, now)).isEmpty();
  }

  @Test
  void waiting_otherAddressesAndPaths_namesEachWithBothValues() throws IOException {
    Config now =
        config(
            """
            store: { path: b.db }
            admin: { socket: b.sock }
            metrics: { listen: off }
            limits: { trackedAddressesBytes: 2MiB }
            ipv6: { countPrefix: 56, banPrefix: 56 }
            authz: { http: "127.0.0.1:9002" }
            """);

    assertThat(RestartKeys.waiting(RestartKeys.OF_RUN, started, now))
        .extracting(RestartKeys.Waiting::key)
        .containsExactlyInAnyOrder(
            "store.path",
            "admin.socket",
            "admin.listen",
            "metrics.listen",
            "limits.trackedAddressesBytes",
            "ipv6.countPrefix",
            "authz.listen",
            "authz.http");
    assertThat(RestartKeys.waiting(RestartKeys.OF_AUTHZ_SERVER, started, now))
        .contains(
            new RestartKeys.Waiting("authz.listen", "127.0.0.1:9001", "none"),
            new RestartKeys.Waiting("authz.http", "none", "127.0.0.1:9002"),
            new RestartKeys.Waiting("metrics.listen", "127.0.0.1:9003", "off"))
        .extracting(RestartKeys.Waiting::key)
        .noneMatch(key -> key.startsWith("admin.") || key.startsWith("store."));
  }
}
