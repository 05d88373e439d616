package io.ipsentry.line;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LineFormatsTest {
  @Test
  void named_everyName_isThatFormat() {
    for (String name : LineFormats.names()) {
      if (!name.equals("regex") && !name.equals("fail2ban")) {
        assertThat(LineFormats.named(name, Lines.OPTIONS).name()).isEqualTo(name);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "combind, combined",
    "traefik_json, traefik-json",
    "Combined, combined",
    "ssh, sshd",
    "caddy, caddy-json",
    "vhost-combined, vhost_combined"
  })
  void named_unknownName_namesTheNearest(String written, String nearest) {
    assertThatThrownBy(() -> LineFormats.named(written, Lines.OPTIONS))
        .isInstanceOf(InvalidFormatException.class)
        .hasMessageContaining("unknown format \"" + written + "\"")
        .hasMessageContaining("did you mean " + nearest + "?");
  }

  @Test
  void named_nothingLikeIt_listsAll() {
    assertThatThrownBy(() -> LineFormats.named("elasticsearch", Lines.OPTIONS))
        .isInstanceOf(InvalidFormatException.class)
        .hasMessageNotContaining("did you mean")
        .hasMessageContaining("known: auto, common, combined");
  }

  @Test
  void named_fail2ban_isRefusedWithAWayOut() {
    assertThatThrownBy(() -> LineFormats.named("fail2ban", Lines.OPTIONS))
        .isInstanceOf(InvalidFormatException.class)
        .hasMessageContaining("read by a filter");
  }

  @Test
  void named_expressionForAnotherFormat_isRefused() {
    assertThatThrownBy(
            () -> LineFormats.named("combined", Lines.OPTIONS.withRegex("(?<ip>\\S+)", null)))
        .isInstanceOf(InvalidFormatException.class)
        .hasMessageContaining("takes no expression");
  }
}
