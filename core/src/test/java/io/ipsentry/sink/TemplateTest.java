package io.ipsentry.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class TemplateTest {
  @Test
  void render_namesAndOtherBraces_fillsTheNamesOnly() {
    Template template = Template.of("{\"text\": \"{ip} {IP} {} {missing}{ip}\"}");

    assertThat(template.render(Map.of("ip", "192.0.2.1"), Escape.NONE))
        .isEqualTo("{\"text\": \"192.0.2.1 {IP} {} 192.0.2.1\"}");
    assertThat(template.unknown(Set.of("ip"))).containsExactly("missing");
  }

  @Test
  void render_valueThatLooksLikeAPlace_isText() {
    assertThat(Template.of("{reason}").render(Map.of("reason", "{ip}", "ip", "x"), Escape.NONE))
        .isEqualTo("{ip}");
  }

  @Test
  void of_tooLong_isRefused() {
    assertThatThrownBy(() -> Template.of("x".repeat(Template.MAX_CHARS + 1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void escape_hostileValue_cannotLeaveItsPlace() {
    String hostile = "</b>\"\\\n\u0007*_[x](y)&\ud800";

    assertThat(Escape.JSON.apply(hostile)).isEqualTo("</b>\\\"\\\\\\n\\u0007*_[x](y)&\\ud800");
    assertThat(Escape.HTML.apply(hostile)).startsWith("&lt;/b&gt;\"").contains("&amp;");
    assertThat(Escape.MARKDOWN.apply("a_b.c!")).isEqualTo("a\\_b\\.c\\!");
    assertThat(Escape.SLACK.apply("<!channel>\"")).isEqualTo("&lt;!channel&gt;\\\"");
  }

  @Test
  void fields_ofABan_areAllThere() {
    SequencedEvent ban =
        new SequencedEvent(
            42,
            new BanEvent.Ban(
                SinkEvents.AT,
                IpPrefix.parse("203.0.113.7"),
                SinkEvents.AT.plusSeconds(90_061),
                "probing",
                "^/wp-admin",
                3,
                SeenAs.FORWARDED,
                "watcher",
                2,
                SinkEvents.AT,
                "shop"));

    Map<String, String> fields = EventFields.of(ban, "home", "abc");

    assertThat(fields)
        .containsEntry("id", "abc-42")
        .containsEntry("for", "1d1h")
        .containsEntry("seen_as", "forwarded")
        .containsEntry("scope", "shop")
        .containsEntry("text", "banned 203.0.113.7 for 1d1h: probing (^/wp-admin)")
        .containsEntry("until", "2026-11-22T08:01:01.123Z");
    assertThat(EventFields.NAMES).containsAll(fields.keySet());
  }

  @Test
  void digest_ofMany_tellsHowManyDoNotFit() {
    Map<String, String> fields = EventFields.ofDigest(SinkEvents.bans(11, 60), "home", "abc", 300);

    assertThat(fields)
        .containsEntry("count", "50")
        .containsEntry("id", "abc-11-60")
        .containsEntry("text", "50 events, 50 bans, 0 unbans (11 to 60)");
    assertThat(fields.get("lines")).hasSizeLessThanOrEqualTo(300).endsWith("… and 45 more");
    assertThat(fields.keySet()).isEqualTo(EventFields.DIGEST_NAMES);
  }
}
