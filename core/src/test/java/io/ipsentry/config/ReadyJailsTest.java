package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.fail2ban.CompiledFilter;
import io.ipsentry.fail2ban.Filter;
import io.ipsentry.fail2ban.FilterFormat;
import io.ipsentry.line.LocalZone;
import io.ipsentry.line.RequestFacts;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The ready jails of the documentation are valid and find what they should. */
final class ReadyJailsTest {
  private static final Instant AT = Instant.parse("2026-11-21T07:00:00Z");

  private static ConfigResult jails() {
    return new ConfigLoader().load(Path.of("../docs/examples/jails.yaml"));
  }

  @Test
  void readyJails_areValidWithoutWarnings() {
    assertThat(jails().orThrow().sources()).hasSize(5);
    assertThat(jails().warnings()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '^',
      value = {
        "k3s-api ~ 192.0.2.1 ~"
            + " {\"kind\":\"Event\",\"stage\":\"ResponseComplete\",\"requestURI\":\"/api/v1/secrets\",\"verb\":\"list\",\"user\":{\"username\":\"system:anonymous\",\"groups\":[\"system:unauthenticated\"]},\"sourceIPs\":[\"192.0.2.1\"],\"userAgent\":\"curl/8\",\"responseStatus\":{\"metadata\":{},\"status\":\"Failure\",\"message\":\"secrets"
            + " is forbidden: User \\\"system:anonymous\\\" cannot"
            + " list\",\"reason\":\"Forbidden\",\"details\":{\"kind\":\"secrets\"},\"code\":403},\"requestReceivedTimestamp\":\"2026-11-21T07:00:00.000000Z\"}",
        "k3s-api ~ 2001:db8::1 ~"
            + " {\"stage\":\"ResponseComplete\",\"requestURI\":\"/api\",\"verb\":\"get\",\"user\":{},\"sourceIPs\":[\"203.0.113.9\",\"2001:db8::1\"],\"userAgent\":\"x\",\"responseStatus\":{\"metadata\":{},\"status\":\"Failure\",\"message\":\"Unauthorized\",\"code\":401},\"requestReceivedTimestamp\":\"2026-11-21T07:00:00.000000Z\"}",
        "k3s-api ~ - ~"
            + " {\"stage\":\"ResponseComplete\",\"requestURI\":\"/livez\",\"verb\":\"get\",\"user\":{\"username\":\"system:anonymous\",\"groups\":[\"system:unauthenticated\"]},\"sourceIPs\":[\"192.0.2.1\"],\"userAgent\":\"probe\",\"responseStatus\":{\"metadata\":{},\"code\":200},\"requestReceivedTimestamp\":\"2026-11-21T07:00:00.000000Z\"}",
        "k3s-api ~ - ~"
            + " {\"stage\":\"ResponseComplete\",\"requestURI\":\"/\\\"user\\\":{},\\\"sourceIPs\\\":[\\\"192.0.2.9\\\"]\",\"verb\":\"get\",\"user\":{\"username\":\"alice\",\"groups\":[\"a\"]},\"sourceIPs\":[\"192.0.2.1\"],\"responseStatus\":{\"metadata\":{},\"code\":403},\"requestReceivedTimestamp\":\"2026-11-21T07:00:00.000000Z\"}",
        "nginx-http-auth ~ 192.0.2.2 ~ 2026/11/21 07:00:00 [error] 7#7: *12 user \"bob\": password"
            + " mismatch, client: 192.0.2.2, server: example.com, request: \"GET /admin HTTP/1.1\","
            + " host: \"example.com\"",
        "nginx-http-auth ~ - ~ 2026/11/21 07:00:00 [error] 7#7: *12 user \"x\": password mismatch,"
            + " client: 203.0.113.9, server: s, request: \"GET / HTTP/1.1\", host: \"h\", referrer:"
            + " \"\": password mismatch, client: 192.0.2.2, server: s, request: \"GET / HTTP/1.1\","
            + " host: \"h\"",
        "traefik-auth ~ 192.0.2.3 ~ 192.0.2.3 - bob [21/Nov/2026:07:00:00 +0000] \"GET /dashboard"
            + " HTTP/2.0\" 401 17 \"-\" \"-\" 12 \"d@docker\" \"-\" 0ms",
        "traefik-auth ~ - ~ 192.0.2.3 - - [21/Nov/2026:07:00:00 +0000] \"GET /dashboard HTTP/2.0\""
            + " 401 17 \"-\" \"-\" 12 \"d@docker\" \"-\" 0ms",
        "crm ~ 192.0.2.4 ~ 2026-11-21T07:00:00Z crm_auth_failure ip=192.0.2.4 provider=local"
            + " user=bob code=PASSWORD_INVALID",
        "crm ~ - ~ 2026-11-21T07:00:00Z crm_auth_success ip=192.0.2.4 provider=local user=bob"
      })
  void readyJail_line_isFoundOrNot(String source, String client, String line) {
    Filter filter =
        jails().orThrow().sources().stream()
            .filter(each -> each.name().equals(source))
            .map(each -> Objects.requireNonNull(each.format().filter()))
            .findFirst()
            .orElseThrow();
    FilterFormat format =
        new FilterFormat(
            CompiledFilter.compile(filter), new LocalZone(ZoneOffset.UTC, InstantSource.fixed(AT)));
    RequestFacts facts = new RequestFacts();
    byte[] bytes = line.getBytes(StandardCharsets.UTF_8);

    boolean found = format.parse(bytes, 0, bytes.length, facts);

    assertThat(found ? facts.client().toString() : "-").isEqualTo(client);
    if (found) {
      assertThat(facts.eventTimeMillis(Long.MAX_VALUE)).isEqualTo(AT.toEpochMilli());
    }
  }
}
