package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.feed.FeedAction;
import io.ipsentry.feed.FeedFormat;
import io.ipsentry.feed.FeedGuard;
import io.ipsentry.feed.FeedOptions;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FeedsReaderTest {
  @TempDir private Path directory;

  private ConfigResult parse(String yaml) {
    return new ConfigLoader().parse("test.yaml", yaml.getBytes(StandardCharsets.UTF_8), directory);
  }

  @Test
  void feeds_withEveryKey_areAsWritten() throws IOException {
    Files.writeString(directory.resolve("key"), "secret\n");
    Files.writeString(directory.resolve("ca.pem"), "-----BEGIN CERTIFICATE-----\n");
    String yaml =
        """
        feeds:
          - name: a-1
            url: https://lists.example/a?x=1
            format: abuseipdb
            every: 6h
            action: tag
            factor: 0.25
            minimumEntries: 10
            maxShrinkPercent: 20
            maxBadPercent: 0
            minimumLevel: 4
            minimumConfidence: 75
            expire: 2d
            headerFiles: { Key: key }
            checksum: https://lists.example/a.sha256
            ca: ca.pem
          - { name: b, file: lists/b.txt, checksum: b.sha256 }
        """;

    Config config = parse(yaml).orThrow();

    assertThat(config.feeds())
        .containsExactly(
            new FeedConfig(
                "a-1",
                new FeedOrigin.Url(URI.create("https://lists.example/a?x=1")),
                new FeedOptions(FeedFormat.ABUSEIPDB, 4, 75, 0),
                Duration.ofHours(6),
                FeedAction.TAG,
                0.25,
                new FeedGuard(10, 20),
                Duration.ofDays(2),
                Map.of("Key", directory.resolve("key")),
                Optional.of(new FeedOrigin.Url(URI.create("https://lists.example/a.sha256"))),
                Optional.of(directory.resolve("ca.pem")),
                Optional.empty()),
            new FeedConfig(
                "b",
                new FeedOrigin.File(directory.resolve("lists/b.txt")),
                FeedOptions.DEFAULT,
                FeedConfig.DEFAULT_EVERY,
                FeedAction.BAN,
                FeedConfig.DEFAULT_FACTOR,
                FeedGuard.DEFAULT,
                FeedConfig.DEFAULT_EXPIRE,
                Map.of(),
                Optional.of(new FeedOrigin.File(directory.resolve("b.sha256"))),
                Optional.empty(),
                Optional.empty()));
    assertThat(parse(yaml).warnings()).isEmpty();
  }

  @Test
  void feeds_thatProtect_areBelievedLessAndNeverExpire() {
    FeedConfig feed =
        parse(
                """
                feeds:
                  - { name: cdn, url: "https://cdn.example/ips-v4", action: protect, network: cloudflare }
                """)
            .orThrow()
            .feeds()
            .getFirst();

    assertThat(feed.action()).isEqualTo(FeedAction.PROTECT);
    assertThat(feed.network()).contains("cloudflare");
    assertThat(feed.expires()).isFalse();
    assertThat(feed.options().maxBadPercent()).isZero();
    assertThat(feed.guard()).isEqualTo(FeedGuard.DEFAULT.comparingAll());
  }

  @Test
  void feeds_keysThatDoNotGoTogether_areErrorsWithTheirMend() {
    String form = "feeds: [{ name: a, file: a.txt, %s }]\n";

    assertThat(errors(form.formatted("action: protect, expire: 8d")))
        .contains("what protects holds until another list comes");
    assertThat(errors(form.formatted("action: protect, minimumEntries: 0")))
        .contains("minimumEntries");
    assertThat(errors(form.formatted("action: protect, factor: 0.5")))
        .contains("is for action: tag");
    assertThat(errors(form.formatted("action: protect, network: cloudfare")))
        .contains("did you mean cloudflare?");
    assertThat(errors(form.formatted("network: cloudflare"))).contains("write action: protect");
  }

  private String errors(String yaml) {
    return ((ConfigResult.Invalid) parse(yaml)).errors().toString();
  }
}
