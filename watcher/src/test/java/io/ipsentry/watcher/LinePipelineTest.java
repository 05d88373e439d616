package io.ipsentry.watcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who asks is shown by every line, if anybody wants to know. */
final class LinePipelineTest {
  private static final Instant NOW = Instant.parse("2026-11-26T12:00:05Z");
  private static final IpPrefix SUSPECT = IpPrefix.parse("203.0.113.7");

  private final List<Hit> hits = new ArrayList<>();
  private final List<String> seen = new ArrayList<>();
  private boolean watches = true;

  /** Suspects one address. */
  private final class Watch implements RequestWatch {
    @Override
    public boolean watches() {
      return watches;
    }

    @Override
    public boolean isSuspect(long hi, long lo, long observedAtMillis) {
      assertThat(observedAtMillis).isEqualTo(NOW.toEpochMilli());
      return IpPrefix.address(hi, lo).equals(SUSPECT);
    }

    @Override
    public void request(long hi, long lo, long eventTimeMillis) {
      seen.add(IpPrefix.address(hi, lo) + " " + Instant.ofEpochMilli(eventTimeMillis));
    }
  }

  private LinePipeline pipeline(String source) {
    String yaml =
        """
        sources: [{ name: web, stdin: true, %s }]
        rules:
          - name: probing
            match: { paths: ['^/admin'], status: "401,403" }
            threshold: 3
            window: 2m
            ban: 1h
        """
            .formatted(source);
    Config config =
        new ConfigLoader()
            .parse("test", yaml.getBytes(StandardCharsets.UTF_8), Path.of("/"))
            .orThrow();
    SourceConfig web = config.sources().getFirst();
    PipelineFactory pipelines =
        new PipelineFactory(
            ZoneOffset.UTC, InstantSource.fixed(NOW), (label, format) -> {}, new Watch());
    return pipelines.open(
        web,
        "web",
        RuleSet.compile(config.rules()).matcher(Rule.On.LOG, web.name()),
        new LineCounters(),
        hits::add);
  }

  private static void read(LinePipeline pipeline, String line) {
    byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
    boolean ignored = pipeline.line(bytes, 0, bytes.length, NOW.toEpochMilli());
  }

  private static String combined(String address, String path, int status) {
    return "%s - - [26/Nov/2026:12:00:01 +0000] \"GET %s HTTP/1.1\" %d 153 \"-\" \"-\""
        .formatted(address, path, status);
  }

  /** The time stands behind what rules the line out. */
  private static String json(String address, int status) {
    return """
    {"ClientAddr":"%1$s:4444","ClientHost":"%1$s","DownstreamStatus":%2$d,"OriginStatus":0,\
    "RequestMethod":"GET","RequestPath":"/","StartUTC":"2026-11-26T12:00:02Z"}\
    """
        .formatted(address, status);
  }

  @Test
  void line_hitOrNot_isShownOnceWithItsTime() {
    LinePipeline pipeline = pipeline("format: combined");

    read(pipeline, combined("203.0.113.7", "/", 200));
    read(pipeline, combined("203.0.113.8", "/", 200));
    read(pipeline, combined("203.0.113.7", "/admin", 403));
    read(pipeline, "no line of this format");

    assertThat(seen)
        .containsExactly("203.0.113.7 2026-11-26T12:00:01Z", "203.0.113.7 2026-11-26T12:00:01Z");
    assertThat(hits).hasSize(1);
  }

  @Test
  void line_ruledOutBeforeItsTime_isReadToItsEnd() {
    LinePipeline pipeline = pipeline("format: traefik-json");

    read(pipeline, json("203.0.113.7", 200));

    assertThat(seen).containsExactly("203.0.113.7 2026-11-26T12:00:02Z");
    assertThat(hits).isEmpty();
  }

  @Test
  void line_clientOfAHeader_isNotShown() {
    LinePipeline pipeline = pipeline("format: combined, seenAs: forwarded");

    read(pipeline, combined("203.0.113.7", "/admin", 403));

    assertThat(seen).as("its packets came from elsewhere").isEmpty();
    assertThat(hits).hasSize(1);
  }

  @Test
  void line_nobodyWatches_isNotShown() {
    LinePipeline pipeline = pipeline("format: traefik-json");
    watches = false;

    read(pipeline, json("203.0.113.7", 200));
    read(pipeline, json("203.0.113.7", 403));

    assertThat(seen).isEmpty();
  }
}
