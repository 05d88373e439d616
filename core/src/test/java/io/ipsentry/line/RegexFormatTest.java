package io.ipsentry.line;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class RegexFormatTest {
  @Test
  void parse_namedGroups_fillTheFacts() {
    LineFormat format =
        named(
            "^(?P<addr>\\S+) (?<peer>\\S+) \\[(?<time>[^\\]]+)\\] (?<vhost>\\S+)"
                + " \"(?<method>\\S+) (?<path>\\S+)[^\"]*\" (?<status>\\d+) (?<origin_status>\\S+)"
                + " \"(?<user_agent>[^\"]*)\" xff=(?<xff>.*)$");

    assertThat(
            Lines.parse(
                format,
                "203.0.113.7 10.0.0.5 [2026-11-21T07:00:00Z] app.example \"GET /.env HTTP/1.1\" 404"
                    + " - \"curl/8.5.0\" xff=198.51.100.9, 203.0.113.7"))
        .isEqualTo(
            "client=203.0.113.7 | peer=10.0.0.5 | forwarded=198.51.100.9, 203.0.113.7 |"
                + " time=2026-11-21T07:00:00Z | method=GET | host=app.example | target=/.env |"
                + " status=404 | ua=curl/8.5.0");
    assertThat(Lines.parse(format, "something else")).isEqualTo("no");
  }

  @Test
  void parse_applicationLine_isAFailedLogin() {
    LineFormat format = named("crm_auth_failure ip=(?<ip>\\S+) .*code=PASSWORD_INVALID");

    assertThat(
            Lines.parse(
                format,
                "crm_auth_failure ip=203.0.113.20 provider=credentials code=PASSWORD_INVALID"))
        .isEqualTo("client=203.0.113.20 | auth");
    assertThat(Lines.parse(format, "crm_auth_success ip=203.0.113.20")).isEqualTo("no");
  }

  @Test
  void parse_requestGroup_isSplit() {
    LineFormat format = named("^(?<ip>\\S+) \"(?<request>[^\"]*)\"");

    assertThat(Lines.parse(format, "203.0.113.7 \"GET /.env HTTP/1.1\""))
        .isEqualTo("client=203.0.113.7 | method=GET | target=/.env");
  }

  @Test
  void parse_originalLogRegex_takesGroupsByNumber() {
    LineFormat format = numbered("^(\\S+) \\S+ \\S+ \\[.+?\\] \"(?:[A-Z]+) (\\S+) \\S+\" \\d+");

    assertThat(
            Lines.parse(
                format,
                "203.0.113.7 - - [21/Nov/2026:07:00:00 +0000] \"GET /.env HTTP/1.1\" 404 153"))
        .isEqualTo("client=203.0.113.7 | target=/.env");
    assertThat(Lines.parse(numbered("denied (\\S+)"), "x denied 203.0.113.7"))
        .isEqualTo("client=203.0.113.7 | auth");
  }

  @Test
  void named_wrongExpression_saysWhy() {
    assertThatThrownBy(() -> named("(?<path>\\S+)"))
        .isInstanceOf(InvalidFormatException.class)
        .hasMessageContaining("no group holds the client's address");
    assertThatThrownBy(() -> named("(?<ip>\\S+) (?<addr>\\S+)"))
        .isInstanceOf(InvalidFormatException.class)
        .hasMessageContaining("another group names too");
    assertThatThrownBy(() -> named("(?<ip>\\S+"))
        .isInstanceOf(InvalidFormatException.class)
        .hasMessageContaining("expression of the format");
    assertThatThrownBy(() -> numbered("\\S+"))
        .isInstanceOf(InvalidFormatException.class)
        .hasMessageContaining("no group");
    assertThatThrownBy(() -> LineFormats.named("regex", Lines.OPTIONS))
        .isInstanceOf(InvalidFormatException.class)
        .hasMessageContaining("give one expression");
  }

  private static LineFormat named(String regex) {
    return LineFormats.named("regex", Lines.OPTIONS.withRegex(regex, null));
  }

  private static LineFormat numbered(String regex) {
    return LineFormats.named("regex", Lines.OPTIONS.withRegex(null, regex));
  }
}
