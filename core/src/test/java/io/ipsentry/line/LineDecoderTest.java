package io.ipsentry.line;

import static io.ipsentry.line.LineDecoder.Outcome.EMPTY;
import static io.ipsentry.line.LineDecoder.Outcome.FACTS;
import static io.ipsentry.line.LineDecoder.Outcome.PARTIAL;
import static io.ipsentry.line.LineDecoder.Outcome.UNMATCHED;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class LineDecoderTest {
  private static final String COMBINED =
      "203.0.113.7 - - [21/Nov/2026:07:00:00 +0000] \"GET /.env HTTP/1.1\" 404 153 \"-\" \"-\"";
  private static final String FACTS_OF_IT =
      "client=203.0.113.7 | time=2026-11-21T07:00:00Z | method=GET | target=/.env | status=404";
  private static final String STAMP = "2026-11-21T07:00:01.123456789Z";

  private final RequestFacts facts = new RequestFacts();
  private LineDecoder decoder = LineFormats.decoder("combined", Lines.OPTIONS);

  @Test
  void decode_plainLine_hasNoRuntimeStamp() {
    assertThat(decode(COMBINED + "\r\n")).isEqualTo(FACTS);
    assertThat(LineCorpus.render(facts)).isEqualTo(FACTS_OF_IT);
    assertThat(facts.runtimeMillis()).isEqualTo(RequestFacts.NO_TIME);
    assertThat(facts.line()).hasToString(COMBINED);
    assertThat(decoder.wrapperName()).isEmpty();
    assertThat(decode("")).isEqualTo(EMPTY);
    assertThat(decode("\r\n")).isEqualTo(EMPTY);
    assertThat(decode("starting up")).isEqualTo(UNMATCHED);
    assertThat(facts.line()).hasToString("starting up");
  }

  @Test
  void decode_criLine_takesTheRuntimesStamp() {
    assertThat(decode(STAMP + " stdout F " + COMBINED)).isEqualTo(FACTS);
    assertThat(LineCorpus.render(facts)).isEqualTo(FACTS_OF_IT);
    assertThat(facts.line()).hasToString(COMBINED);
    assertThat(Instant.ofEpochMilli(facts.runtimeMillis())).hasToString("2026-11-21T07:00:01.123Z");
    assertThat(facts.eventTimeMillis(Long.MAX_VALUE)).isEqualTo(facts.runtimeMillis());
    assertThat(decoder.wrapperName()).isEqualTo("cri");
    assertThat(decode("2026-11-21T08:00:01.1+01:00 stderr F " + COMBINED)).isEqualTo(FACTS);
    assertThat(Instant.ofEpochMilli(facts.runtimeMillis())).hasToString("2026-11-21T07:00:01.100Z");
    assertThat(decode(STAMP + " stdout F ")).isEqualTo(EMPTY);
    assertThat(decode(STAMP + " stdout F")).isEqualTo(EMPTY);
    assertThat(decode(STAMP + " stdout F:x " + COMBINED)).isEqualTo(FACTS);
  }

  @Test
  void decode_criParts_areJoinedByStream() {
    assertThat(decode(STAMP + " stdout P " + COMBINED.substring(0, 50))).isEqualTo(PARTIAL);
    assertThat(decoder.hasParts()).isTrue();
    assertThat(decode(STAMP + " stderr P half an ")).isEqualTo(PARTIAL);
    assertThat(decode(STAMP + " stdout P " + COMBINED.substring(50, 60))).isEqualTo(PARTIAL);
    assertThat(decode(STAMP + " stderr F error")).isEqualTo(UNMATCHED);
    assertThat(facts.line()).hasToString("half an error");
    assertThat(decoder.hasParts()).isTrue();
    assertThat(decode("2026-11-21T07:00:02Z stdout F " + COMBINED.substring(60))).isEqualTo(FACTS);
    assertThat(LineCorpus.render(facts)).isEqualTo(FACTS_OF_IT);
    assertThat(Instant.ofEpochMilli(facts.runtimeMillis())).hasToString("2026-11-21T07:00:01.123Z");
    assertThat(decoder.hasParts()).isFalse();
  }

  @Test
  void decode_manyParts_keepsTheBeginning() {
    String part = "x".repeat(10_000);
    decode(STAMP + " stdout P " + COMBINED.replace("\"-\" \"-\"", "\"-\" \"" + part));
    for (int i = 0; i < 1_000; i++) {
      assertThat(decode(STAMP + " stdout P " + part)).isEqualTo(PARTIAL);
    }
    assertThat(decode(STAMP + " stdout F \"")).isEqualTo(FACTS);
    assertThat(facts.line().length()).isEqualTo(LineFormat.MAX_BYTES);
    assertThat(LineCorpus.render(facts)).startsWith(FACTS_OF_IT + " | ua=");
    assertThat(decode(STAMP + " stdout F " + COMBINED)).isEqualTo(FACTS);
    assertThat(LineCorpus.render(facts)).isEqualTo(FACTS_OF_IT);
  }

  @Test
  void decode_dockerLine_isUnescaped() {
    String log = COMBINED.replace("\"", "\\\"");
    assertThat(decode(docker(log + "\\n", "stdout"))).isEqualTo(FACTS);
    assertThat(LineCorpus.render(facts)).isEqualTo(FACTS_OF_IT);
    assertThat(facts.line()).hasToString(COMBINED);
    assertThat(Instant.ofEpochMilli(facts.runtimeMillis())).hasToString("2026-11-21T07:00:01.123Z");
    assertThat(decoder.wrapperName()).isEqualTo("docker-json");
    assertThat(decode(docker("\\n", "stdout"))).isEqualTo(EMPTY);
    assertThat(decode(docker("plain\\r\\n", "stderr"))).isEqualTo(UNMATCHED);
    assertThat(facts.line()).hasToString("plain");
  }

  @Test
  void decode_dockerParts_areJoined() {
    String log = COMBINED.replace("\"", "\\\"");
    assertThat(decode(docker(log.substring(0, 50), "stdout"))).isEqualTo(PARTIAL);
    assertThat(decode(docker("oops\\n", "stderr"))).isEqualTo(UNMATCHED);
    assertThat(facts.line()).hasToString("oops");
    assertThat(decode(docker(log.substring(50) + "\\n", "stdout"))).isEqualTo(FACTS);
    assertThat(LineCorpus.render(facts)).isEqualTo(FACTS_OF_IT);
  }

  @Test
  void decode_wrapperAfterAPlainFragment_isStillRecognised() {
    assertThat(decode("the end of a line that was rotated away")).isEqualTo(UNMATCHED);
    assertThat(decode(STAMP + " stdout F " + COMBINED)).isEqualTo(FACTS);
    assertThat(LineCorpus.render(facts)).isEqualTo(FACTS_OF_IT);
  }

  @Test
  void decode_wrapperImitatedInAPlainFile_isNotTakenOff() {
    decoder = LineFormats.decoder("regex", Lines.OPTIONS.withRegex("ip=(?<ip>\\S+)", null));
    assertThat(decode("ip=203.0.113.7")).isEqualTo(FACTS);
    assertThat(decode(STAMP + " stdout P ip=192.0.2.66")).isEqualTo(FACTS);
    assertThat(facts.runtimeMillis()).isEqualTo(RequestFacts.NO_TIME);
  }

  @Test
  void decode_jsonInsideCri_isParsed() {
    decoder = LineFormats.decoder("auto", Lines.OPTIONS);
    String json =
        "{\"ClientAddr\":\"203.0.113.7:1\",\"DownstreamStatus\":404,\"RequestPath\":\"/\"}";
    assertThat(decode(STAMP + " stdout F " + json)).isEqualTo(FACTS);
    assertThat(decoder.format().name()).isEqualTo("traefik-json");
    assertThat(LineCorpus.render(facts)).isEqualTo("peer=203.0.113.7:1 | target=/ | status=404");
  }

  @Test
  void decode_hugeLine_isCutAndJudged() {
    assertThat(decode(COMBINED + "x".repeat(1_000_000))).isEqualTo(FACTS);
    assertThat(facts.line().length()).isEqualTo(LineFormat.MAX_BYTES);
    assertThat(decode("\0".repeat(1_000_000))).isEqualTo(UNMATCHED);
  }

  private static String docker(String log, String stream) {
    return "{\"log\":\"" + log + "\",\"stream\":\"" + stream + "\",\"time\":\"" + STAMP + "\"}";
  }

  private LineDecoder.Outcome decode(String line) {
    byte[] b = Lines.bytes(line);
    return decoder.decode(b, 0, b.length, facts);
  }
}
