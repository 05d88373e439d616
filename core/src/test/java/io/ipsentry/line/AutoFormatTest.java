package io.ipsentry.line;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AutoFormatTest {
  private static final String COMBINED =
      "203.0.113.7 - - [21/Nov/2026:07:00:00 +0000] \"GET / HTTP/1.1\" 404 153 \"-\""
          + " \"curl/8.5.0\"";
  private static final String COMMON = COMBINED.substring(0, COMBINED.indexOf(" \"-\""));
  private static final String VHOST = "app.example:443 " + COMBINED;
  private static final String TRAEFIK_CLF = COMBINED + " 42 \"-\" \"-\" 0ms";
  private static final String NGF = "{\"client\":\"203.0.113.7\",\"uri\":\"/\",\"status\":404}";

  private final List<String> chosen = new ArrayList<>();
  private final LineFormat format =
      LineFormats.named("auto", Lines.OPTIONS.withChosen(chosen::add));

  @ParameterizedTest
  @ValueSource(
      strings = {
        "common",
        "combined",
        "vhost_combined",
        "ngf-json",
        "traefik-clf",
        "traefik-json",
        "envoy",
        "envoy-gateway-json",
        "caddy-json",
        "sshd"
      })
  void parse_firstLinesOfAFormat_choosesIt(String name) {
    LineCorpus.Sample first = LineCorpus.read(name).getFirst();
    RequestFacts facts = new RequestFacts();
    for (int i = 0; i < 4; i++) {
      assertThat(format.parse(first.line(), 0, first.line().length, facts)).isTrue();
      assertThat(LineCorpus.render(facts)).isEqualTo(first.expected());
    }
    assertThat(chosen).containsExactly(name);
    assertThat(format.name()).isEqualTo(name);
  }

  @Test
  void parse_undecided_losesNoLine() {
    assertThat(format.name()).isEqualTo("auto");
    for (String line : List.of(COMBINED, COMMON, VHOST, TRAEFIK_CLF, NGF, COMBINED)) {
      assertThat(Lines.parse(format, line)).contains("203.0.113.7");
    }
    assertThat(chosen).isEmpty();
  }

  @Test
  void parse_junkBetween_doesNotDisturb() {
    for (int i = 0; i < 3; i++) {
      assertThat(Lines.parse(format, "starting worker processes")).isEqualTo("no");
      assertThat(Lines.parse(format, COMBINED)).contains("203.0.113.7");
    }
    assertThat(chosen).containsExactly("combined");
  }

  @Test
  void parse_formatChanges_isFollowedWithoutLoss() {
    for (int i = 0; i < 10; i++) {
      assertThat(Lines.parse(format, COMBINED)).contains("203.0.113.7");
    }
    for (int i = 0; i < 10; i++) {
      assertThat(Lines.parse(format, NGF)).contains("203.0.113.7");
    }
    assertThat(chosen).containsExactly("combined", "ngf-json");
  }

  @Test
  void parse_strayLineOfAnotherFormat_changesNothing() {
    for (int i = 0; i < 3; i++) {
      assertThat(Lines.parse(format, COMBINED)).contains("203.0.113.7");
    }
    for (int i = 0; i < 10; i++) {
      assertThat(Lines.parse(format, COMBINED)).contains("203.0.113.7");
      assertThat(Lines.parse(format, NGF)).contains("203.0.113.7");
      assertThat(Lines.parse(format, NGF)).contains("203.0.113.7");
      assertThat(Lines.parse(format, COMBINED)).contains("203.0.113.7");
    }
    assertThat(chosen).containsExactly("combined");
  }

  @Test
  void parse_listInFrontOfACombinedLine_isTraefiks() {
    assertThat(Lines.parse(format, "198.51.100.9, " + COMBINED))
        .startsWith("forwarded=198.51.100.9, 203.0.113.7 |");
  }
}
