package io.ipsentry.line;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.traffic.AccessLogStyle;
import io.ipsentry.testing.traffic.SampleRequest;
import io.ipsentry.testing.traffic.Traffic;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The same requests in every style of log are the same facts, with the named format and with auto.
 */
class FormatEquivalenceTest {
  private static final long SEED = 20_261_121;
  private static final Set<String> WITHOUT_HOST = Set.of("combined", "traefik-clf");

  @ParameterizedTest
  @EnumSource
  void decode_sameRequests_giveTheSameFacts(AccessLogStyle style) {
    check(style, LineFormats.decoder(style.formatName(), Lines.OPTIONS));
  }

  @ParameterizedTest
  @EnumSource
  void decode_auto_givesTheSameFacts(AccessLogStyle style) {
    check(style, LineFormats.decoder("auto", Lines.OPTIONS));
  }

  /** Traefik escapes nothing in this format, and the sample does. */
  private static boolean isPlain(SampleRequest request) {
    return (request.target() + request.userAgent())
        .chars()
        .allMatch(c -> c >= ' ' && c < 0x7f && c != '"' && c != '\\');
  }

  private static void check(AccessLogStyle style, LineDecoder decoder) {
    ClientAddressResolver resolver =
        new ClientAddressResolver(ClientAddressResolver.Settings.DEFAULT);
    RequestFacts facts = new RequestFacts();
    ClientAddress client = new ClientAddress();
    List<SampleRequest> requests =
        new Traffic(SEED, Instant.parse("2026-11-21T07:00:00Z"), Traffic.Crowd.MIXED).take(2_000);
    for (SampleRequest request : requests) {
      if (style == AccessLogStyle.TRAEFIK_CLF && !isPlain(request)) {
        continue;
      }
      LineDecoder.Outcome outcome = LineDecoder.Outcome.EMPTY;
      for (String line : style.line(request).split("\n", -1)) {
        byte[] b = line.getBytes(StandardCharsets.UTF_8);
        outcome = decoder.decode(b, 0, b.length, facts);
      }
      assertThat(outcome).as("%s", request).isEqualTo(LineDecoder.Outcome.FACTS);
      assertThat(resolver.resolve(facts, client)).isEqualTo(ClientAddressResolver.Outcome.FOUND);
      assertThat(client.toPrefix()).isEqualTo(IpPrefix.parse(request.address()));
      assertThat(facts.method()).hasToString(request.method());
      assertThat(facts.target()).hasToString(request.target());
      assertThat(facts.status()).isEqualTo(request.status());
      String agent = request.userAgent().equals("-") ? "" : request.userAgent();
      assertThat(facts.userAgent()).hasToString(agent);
      assertThat(Instant.ofEpochMilli(facts.eventTimeMillis(Long.MAX_VALUE)))
          .isEqualTo(request.at());
      if (!WITHOUT_HOST.contains(style.formatName())) {
        assertThat(facts.host().toString()).startsWith(request.host());
      }
      assertThat(facts.ownDenial()).isFalse();
      assertThat(facts.authFailure()).isFalse();
      assertThat(facts.addressAmbiguous()).isFalse();
    }
  }
}
