package io.ipsentry.line;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every format over its sample lines. */
class LineCorpusTest {
  private static final FormatOptions OPTIONS =
      FormatOptions.of(ZoneOffset.UTC, InstantSource.fixed(Instant.parse("2026-11-21T07:10:00Z")));

  @TestFactory
  Stream<DynamicTest> parse_sampleLine_givesTheFactsBesideIt() {
    return Stream.of(
            "common",
            "combined",
            "vhost_combined",
            "ngf-json",
            "traefik-clf",
            "traefik-json",
            "envoy",
            "envoy-gateway-json",
            "caddy-json",
            "sshd")
        .flatMap(LineCorpusTest::samples);
  }

  private static Stream<DynamicTest> samples(String name) {
    LineFormat format = LineFormats.named(name, OPTIONS);
    List<LineCorpus.Sample> samples = LineCorpus.read(name);
    assertThat(samples).as("corpus of %s", name).hasSizeGreaterThan(5);
    return samples.stream()
        .map(sample ->
            DynamicTest.dynamicTest(name + ".txt:" + sample.number(), () -> check(format, sample)));
  }

  private static void check(LineFormat format, LineCorpus.Sample sample) {
    RequestFacts facts = new RequestFacts();
    byte[] padded = new byte[sample.line().length + 20];
    System.arraycopy(sample.line(), 0, padded, 7, sample.line().length);
    boolean parsed = format.parse(padded, 7, 7 + sample.line().length, facts);
    assertThat(parsed ? LineCorpus.render(facts) : "no").isEqualTo(sample.expected());
  }
}
