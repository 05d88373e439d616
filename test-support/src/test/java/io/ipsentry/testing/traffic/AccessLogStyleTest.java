package io.ipsentry.testing.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

final class AccessLogStyleTest {
  private static final SampleRequest REQUEST =
      new SampleRequest(
          Instant.parse("2026-11-21T07:00:05Z"),
          "2001:db8::7",
          "GET",
          "app.example",
          "/caf\u00e9?\"x\"",
          404,
          153,
          "a\\b\"c\t",
          null);

  @Test
  void line_combined_escapesAsNginx() {
    assertThat(AccessLogStyle.COMBINED.line(REQUEST))
        .isEqualTo(
            "2001:db8::7 - - [21/Nov/2026:07:00:05 +0000]"
                + " \"GET /caf\\xC3\\xA9?\\x22x\\x22 HTTP/1.1\" 404 153 \"-\""
                + " \"a\\x5Cb\\x22c\\x09\"");
  }

  @Test
  void line_json_escapesAsJson() {
    assertThat(AccessLogStyle.TRAEFIK_JSON.line(REQUEST))
        .contains("\"ClientAddr\":\"[2001:db8::7]:51324\"")
        .contains("\"RequestPath\":\"/caf\u00e9?\\\"x\\\"\"")
        .contains("\"request_User-Agent\":\"a\\\\b\\\"c\\t\"")
        .contains("\"time\":\"2026-11-21T07:00:05Z\"");
    assertThat(AccessLogStyle.ENVOY_GATEWAY_JSON.line(REQUEST))
        .contains("\"start_time\":\"2026-11-21T07:00:05.000Z\"");
  }

  @Test
  void line_criLong_isSplitIntoPartsThatJoinAgain() {
    String combined = AccessLogStyle.COMBINED.line(REQUEST);

    String[] parts = AccessLogStyle.CRI_COMBINED.line(REQUEST).split("\n");

    assertThat(parts).hasSizeGreaterThan(1);
    StringBuilder joined = new StringBuilder();
    for (int i = 0; i < parts.length; i++) {
      String tag = i == parts.length - 1 ? "F" : "P";
      assertThat(parts[i]).startsWith("2026-11-21T07:00:05.000000000Z stdout " + tag + " ");
      joined.append(parts[i].split(" ", 4)[3]);
    }
    assertThat(joined).hasToString(combined);
  }

  @Test
  void next_sameSeed_sameRequestsInOrderOfTime() {
    Instant start = Instant.parse("2026-11-21T00:00:00Z");
    Traffic first = new Traffic(7, start, Traffic.Crowd.MIXED);
    Traffic second = new Traffic(7, start, Traffic.Crowd.MIXED);
    Instant last = start;
    for (int i = 0; i < 5_000; i++) {
      SampleRequest request = first.next();
      assertThat(second.next()).isEqualTo(request);
      assertThat(request.at()).isAfterOrEqualTo(last);
      last = request.at();
    }
  }
}
