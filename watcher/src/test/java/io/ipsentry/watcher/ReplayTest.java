package io.ipsentry.watcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.config.ClientConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.FormatConfig;
import io.ipsentry.config.SourceConfig;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplayTest {
  @TempDir private Path dir;

  private static Replay replay(String format) {
    Config config = Config.defaults();
    SourceConfig source =
        new SourceConfig(
            "replay",
            new SourceConfig.Input.Stdin(),
            new FormatConfig(format, null, null),
            null,
            ClientConfig.AUTO,
            config.trustedProxies(),
            null,
            SourceConfig.StartAt.BEGINNING,
            SourceConfig.Reader.WATCHER);
    return new Replay(
        config,
        source,
        ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)),
        ZoneOffset.UTC,
        InstantSource.fixed(Instant.parse("2026-11-21T12:00:00Z")),
        (label, name) -> {});
  }

  private static String line(String address, String second, String path, int status) {
    return "%s - - [21/Nov/2026:07:00:%s +0000] \"GET %s HTTP/1.1\" %d 153 \"-\" \"curl/8.5.0\"\n"
        .formatted(address, second, path, status);
  }

  private ReplayInput log(String name, String... lines) throws IOException {
    return new ReplayInput.LogFile(Files.writeString(dir.resolve(name), String.join("", lines)));
  }

  private static List<String> bans(Replay.Result result) {
    List<String> bans = new ArrayList<>();
    for (BanEvent.Ban ban : result.bans()) {
      bans.add(ban.at() + " " + ban.ip() + " " + ban.reason() + " " + ban.hits());
    }
    return bans;
  }

  @Test
  void run_twoPatternsInTheWindow_bansAtTheTimeOfTheSecond() throws IOException {
    Replay.Result result =
        replay("combined")
            .run(
                List.of(
                    log(
                        "a.log",
                        line("203.0.113.7", "01", "/.env", 404),
                        line("203.0.113.7", "02", "/", 200),
                        line("203.0.113.7", "03", "/.git/config", 404),
                        line("203.0.113.7", "04", "/.aws/x", 404))));

    assertThat(bans(result)).containsExactly("2026-11-21T07:00:03Z 203.0.113.7 ^/\\.git/ 2");
    assertThat(result.bans().getFirst().until()).isEqualTo("2026-11-22T07:00:03Z");
    assertThat(result.lines()).isEqualTo(4);
    assertThat(result.matched()).isEqualTo(3);
  }

  @Test
  void run_protectedAddress_isRefusedAndCounted() throws IOException {
    Replay.Result result =
        replay("combined")
            .run(
                List.of(
                    log(
                        "a.log",
                        line("10.1.2.3", "01", "/.env", 404),
                        line("10.1.2.3", "03", "/.git/config", 404))));

    assertThat(result.bans()).isEmpty();
    assertThat(result.refused()).isEqualTo(1);
  }

  @Test
  void run_severalLogs_areMergedByTimeWhateverTheirOrder() throws IOException {
    ReplayInput first =
        log(
            "a.log",
            line("203.0.113.7", "01", "/.env", 404),
            line("203.0.113.8", "10", "/.env", 404),
            line("203.0.113.9", "50", "/.env", 404));
    ReplayInput second =
        log(
            "b.log",
            line("203.0.113.9", "02", "/.git/x", 404),
            line("203.0.113.8", "05", "/.git/x", 404),
            line("203.0.113.7", "40", "/.git/x", 404));

    List<String> expected =
        List.of(
            "2026-11-21T07:00:10Z 203.0.113.8 ^/\\.env 2",
            "2026-11-21T07:00:40Z 203.0.113.7 ^/\\.git/ 2",
            "2026-11-21T07:00:50Z 203.0.113.9 ^/\\.env 2");
    assertThat(bans(replay("auto").run(List.of(first, second)))).isEqualTo(expected);
    assertThat(bans(replay("auto").run(List.of(second, first)))).isEqualTo(expected);
  }

  @Test
  void run_gzip_isReadAsTheLogInIt() throws IOException {
    Path packed = dir.resolve("a.log.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
      out.write(
          Files.readAllBytes(
              ((ReplayInput.LogFile)
                      log(
                          "a.log",
                          line("203.0.113.7", "01", "/.env", 404),
                          line("203.0.113.7", "03", "/.git/config", 404)))
                  .path()));
    }

    assertThat(bans(replay("combined").run(List.of(new ReplayInput.LogFile(packed))))).hasSize(1);
  }

  @Test
  void run_banEndsAndAddressOffendsAgain_isBannedAgain() throws IOException {
    String later = line("203.0.113.7", "05", "/.env", 404).replace("21/Nov", "22/Nov");
    String again = line("203.0.113.7", "06", "/.git/a", 404).replace("21/Nov", "22/Nov");
    Replay.Result result =
        replay("combined")
            .run(
                List.of(
                    log(
                        "a.log",
                        line("203.0.113.7", "01", "/.env", 404),
                        line("203.0.113.7", "03", "/.git/config", 404),
                        line("203.0.113.7", "04", "/.git/config", 404),
                        later,
                        again)));

    assertThat(result.bans()).extracting(BanEvent.Ban::offence).containsExactly(1, 2);
  }
}
