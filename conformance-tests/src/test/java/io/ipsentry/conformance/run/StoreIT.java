package io.ipsentry.conformance.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import io.ipsentry.testing.traffic.AccessLogStyle;
import io.ipsentry.testing.traffic.SampleRequest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The store cannot be written for a while: somebody else holds SQLite's lock, the disk is full. */
final class StoreIT {
  @TempDir private Path directory;

  @Test
  void run_storeLocked_isNotReadyAndAppendsTheBanOnceItCan() throws IOException, SQLException {
    Path log = Files.createFile(directory.resolve("access.log"));
    try (RunningIpSentry ipSentry =
        RunningIpSentry.start(
            directory,
            """
            sources: [{ name: log, file: %s, format: combined, startAt: beginning }]
            rules:
              - name: probing
                match: { packs: [default] }
                threshold: 2
                window: 1h
                ban: { for: 24h }
            """
                .formatted(log))) {
      try (Connection locker =
              DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("ip-sentry.db"));
          Statement statement = locker.createStatement()) {
        statement.execute("PRAGMA busy_timeout = 30000");
        statement.execute("BEGIN IMMEDIATE");
        request(log, "203.0.113.7");
        request(log, "203.0.113.7");

        await("not ready")
            .atMost(RunningIpSentry.PATIENCE)
            .untilAsserted(() -> assertThat(ipSentry.readiness()).contains("store: "));
        assertThat(ipSentry.history()).isEmpty();
        statement.execute("ROLLBACK");
      }

      await("ready again")
          .atMost(RunningIpSentry.PATIENCE)
          .untilAsserted(() -> assertThat(ipSentry.readiness()).isEqualTo("ready"));
      await("ban")
          .atMost(RunningIpSentry.PATIENCE)
          .untilAsserted(() ->
              assertThat(ipSentry.history())
                  .extracting(event -> event.get("ip") + " " + event.get("hits"))
                  .containsExactly("203.0.113.7 2"));
    }
  }

  @Test
  @RequiresRoot
  @RequiresProgram({"mount", "umount"})
  void run_diskFull_isNotReadyAndAppendsTheBanOnceThereIsRoom() throws IOException {
    Path disk = Files.createDirectory(directory.resolve("disk"));
    Path log = Files.createFile(directory.resolve("access.log"));
    Programs.run(List.of("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk.toString()));
    try (RunningIpSentry ipSentry =
        RunningIpSentry.start(
            disk,
            """
            sources: [{ name: log, file: %s, format: combined, startAt: beginning }]
            rules:
              - name: probing
                match: { packs: [default] }
                threshold: 2
                window: 1h
                ban: { for: 24h }
            """
                .formatted(log))) {
      Path ballast = fill(disk);
      // Bans that fill what room the write-ahead log may still have.
      for (int i = 0; i < 250; i++) {
        request(log, "198.51.100." + i);
        request(log, "198.51.100." + i);
      }
      for (int i = 0; i < 250; i++) {
        request(log, "203.0.113." + i);
        request(log, "203.0.113." + i);
      }
      await("not ready")
          .atMost(RunningIpSentry.PATIENCE)
          .untilAsserted(() -> assertThat(ipSentry.readiness()).contains("store: "));

      Files.delete(ballast);
      await("ready again")
          .atMost(RunningIpSentry.PATIENCE)
          .untilAsserted(() -> assertThat(ipSentry.readiness()).isEqualTo("ready"));
      await("every ban, once")
          .atMost(RunningIpSentry.PATIENCE)
          .untilAsserted(() ->
              assertThat(ipSentry.history())
                  .extracting(event -> event.get("ip"))
                  .doesNotHaveDuplicates()
                  .hasSize(500));
    } finally {
      Programs.run(List.of("umount", "--lazy", disk.toString()));
    }
  }

  private static Path fill(Path disk) throws IOException {
    Path ballast = disk.resolve("ballast");
    byte[] page = new byte[4_096];
    try (OutputStream out = Files.newOutputStream(ballast)) {
      while (true) {
        out.write(page);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
      return ballast;
    }
  }

  private static void request(Path log, String address) throws IOException {
    Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    SampleRequest request =
        new SampleRequest(now, address, "GET", "app.example", "/.env", 404, 0, "test", null);
    Files.write(log, List.of(AccessLogStyle.COMBINED.line(request)), StandardOpenOption.APPEND);
  }
}
