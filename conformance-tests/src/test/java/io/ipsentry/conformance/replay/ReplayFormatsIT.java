package io.ipsentry.conformance.replay;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.testing.traffic.AccessLogStyle;
import io.ipsentry.testing.traffic.SampleRequest;
import io.ipsentry.testing.traffic.Traffic;
import io.ipsentry.testing.traffic.Traffic.Crowd;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The same traffic gives the same bans, whichever gateway logged it. */
final class ReplayFormatsIT {
  private static final int REQUESTS = 50_000;
  private static final Comparator<ExpectedBan> IN_ORDER =
      Comparator.comparing(ExpectedBan::bannedAt).thenComparing(ExpectedBan::ip);

  @TempDir private static Path directory;
  private static List<SampleRequest> requests = List.of();
  private static List<ExpectedBan> expected = List.of();

  @BeforeAll
  static void makeTraffic() throws IOException {
    long seed = Long.getLong("test.seed", System.nanoTime());
    System.out.println("ReplayFormatsIT seed: -Dtest.seed=" + seed);
    requests = new Traffic(seed, Instant.parse("2026-11-20T21:00:00Z"), Crowd.MIXED).take(REQUESTS);
    expected = NaiveDetection.bans(requests).stream().sorted(IN_ORDER).toList();
    Files.writeString(directory.resolve("config.yaml"), NaiveDetection.CONFIG);
  }

  @Test
  void traffic_generated_hasBansOfBothRulesAndFamilies() {
    assertThat(expected).hasSizeGreaterThan(200);
    assertThat(expected).anyMatch(ban -> ban.ip().contains(":"));
    assertThat(expected).anyMatch(ban -> ban.rule().equals("errors"));
    assertThat(expected).anyMatch(ban -> ban.rule().equals("probing") && ban.hitCount() == 3);
    assertThat(expected).anyMatch(ban -> ban.rule().equals("probing") && ban.hitCount() == 2);
  }

  @ParameterizedTest
  @EnumSource
  void replay_formatNamed_givesTheBansOfTheModel(AccessLogStyle style) throws IOException {
    IpSentry.Result result = replay(write(style), style.formatName());

    assertThat(bans(result)).isEqualTo(expected);
    assertThat(result.lastErrorLine()).contains("bans=" + expected.size());
  }

  @ParameterizedTest
  @EnumSource
  void replay_formatAuto_givesTheBansOfTheModel(AccessLogStyle style) throws IOException {
    assertThat(bans(replay(write(style), "auto"))).isEqualTo(expected);
  }

  @Test
  void replay_rotatedAndCompressed_givesTheBansOfTheModel() throws IOException {
    Path older = directory.resolve("access.log.2.gz");
    Path newer = directory.resolve("access.log.1");
    int middle = REQUESTS / 3;
    try (BufferedWriter out =
        new BufferedWriter(
            new OutputStreamWriter(
                new GZIPOutputStream(Files.newOutputStream(older)), StandardCharsets.UTF_8))) {
      for (SampleRequest request : requests.subList(0, middle)) {
        out.write(AccessLogStyle.COMBINED.line(request) + "\n");
      }
    }
    Files.write(
        newer,
        requests.subList(middle, REQUESTS).stream().map(AccessLogStyle.COMBINED::line).toList());

    IpSentry.Result result =
        IpSentry.run(
            "replay",
            "--config",
            directory.resolve("config.yaml").toString(),
            "-o",
            "json",
            older.toString(),
            newer.toString());

    assertThat(bans(result)).isEqualTo(expected);
  }

  @Test
  void replay_clientsSpreadOverLogsOfManyFormats_givesTheBansOfTheModel() throws IOException {
    List<AccessLogStyle> styles = List.of(AccessLogStyle.values());
    List<List<String>> parts = new ArrayList<>();
    styles.forEach(style -> parts.add(new ArrayList<>()));
    for (SampleRequest request : requests) {
      // A client's requests stay in one log: their order within a second is not known across logs.
      int part = Math.floorMod(NaiveDetection.counted(request.address()).hashCode(), styles.size());
      parts.get(part).add(styles.get(part).line(request));
    }
    List<String> arguments =
        new ArrayList<>(
            List.of("replay", "-o", "json", "-c", directory.resolve("config.yaml").toString()));
    for (int i = 0; i < parts.size(); i++) {
      arguments.add(Files.write(directory.resolve("part-" + i + ".log"), parts.get(i)).toString());
    }

    assertThat(bans(IpSentry.run(arguments.toArray(String[]::new)))).isEqualTo(expected);
  }

  @Test
  void replay_junkBetweenTheLines_isCountedAndChangesNothing() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      lines.add(AccessLogStyle.COMBINED.line(requests.get(i)));
      if (i % 100 == 0) {
        lines.add("\u0016\u0003\u0001\u0002 TLS bytes " + i);
        lines.add("2026/11/21 07:00:00 [error] 7#7: *1 open() failed, client: 198.19.0.6");
        lines.add("");
      }
    }
    Path log = Files.write(directory.resolve("junk.log"), lines);

    assertThat(bans(replay(log, "combined"))).isEqualTo(expected);
  }

  private static Path write(AccessLogStyle style) throws IOException {
    Path log = directory.resolve(style.name() + ".log");
    if (!Files.exists(log)) {
      Files.write(log, requests.stream().map(style::line).toList());
    }
    return log;
  }

  private static IpSentry.Result replay(Path log, String format) {
    return IpSentry.run(
        "replay",
        "--config",
        directory.resolve("config.yaml").toString(),
        "--format",
        format,
        "-o",
        "json",
        log.toString());
  }

  private static List<ExpectedBan> bans(IpSentry.Result result) {
    assertThat(result.exitCode()).as(result.err()).isZero();
    List<ExpectedBan> bans = result.json().stream().map(ExpectedBan::of).toList();
    assertThat(bans).isSortedAccordingTo(Comparator.comparing(ExpectedBan::bannedAt));
    return bans.stream().sorted(IN_ORDER).toList();
  }
}
