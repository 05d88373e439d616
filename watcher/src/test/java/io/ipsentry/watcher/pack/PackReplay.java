package io.ipsentry.watcher.pack;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.config.ClientConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.FormatConfig;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.testing.traffic.AccessLogStyle;
import io.ipsentry.testing.traffic.SampleRequest;
import io.ipsentry.watcher.Explain;
import io.ipsentry.watcher.Replay;
import io.ipsentry.watcher.ReplayInput;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.Collectors;

/** Lines of access logs through the engine, with one rule a pack that sets nothing itself. */
final class PackReplay {
  static final Instant START = Instant.parse("2026-11-21T07:00:00Z");

  private PackReplay() {}

  static Config config(List<String> packs) {
    String rules =
        packs.stream()
            .map(pack -> "  - { name: %s, match: { packs: [%<s] } }\n".formatted(pack))
            .collect(Collectors.joining("", "trustedProxies: [private]\nrules:\n", ""));
    return new ConfigLoader()
        .parse("packs", rules.getBytes(StandardCharsets.UTF_8), Path.of("/"))
        .orThrow();
  }

  private static SourceConfig source(Config config, String format) {
    return new SourceConfig(
        "log",
        new SourceConfig.Input.Stdin(),
        new FormatConfig(format, null, null),
        null,
        ClientConfig.AUTO,
        config.trustedProxies(),
        null,
        SourceConfig.StartAt.BEGINNING,
        SourceConfig.Reader.WATCHER);
  }

  /** Says of single lines what the rules make of them. */
  static Explain explain(Config config, String format) {
    return new Explain(
        config, source(config, format), ZoneOffset.UTC, InstantSource.fixed(START), name -> {});
  }

  static Replay.Result run(Config config, String format, String log) throws IOException {
    Replay replay =
        new Replay(
            config,
            source(config, format),
            ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)),
            ZoneOffset.UTC,
            InstantSource.fixed(START),
            (label, name) -> {});
    return replay.run(
        List.of(
            new ReplayInput.LogStream(
                "log", new ByteArrayInputStream(log.getBytes(StandardCharsets.UTF_8)))));
  }

  static Replay.Result run(Config config, AccessLogStyle style, List<SampleRequest> requests)
      throws IOException {
    return run(
        config,
        style.formatName(),
        requests.stream().map(style::line).collect(Collectors.joining("\n", "", "\n")));
  }

  static SampleRequest request(
      long second, String address, String method, String target, int status, String userAgent) {
    return new SampleRequest(
        START.plusSeconds(second),
        address,
        method,
        "www.example.com",
        target,
        status,
        512,
        userAgent,
        null);
  }
}
