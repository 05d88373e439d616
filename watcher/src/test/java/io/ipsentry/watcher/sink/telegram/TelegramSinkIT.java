package io.ipsentry.watcher.sink.telegram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.config.Secret;
import io.ipsentry.config.SinkConfig;
import io.ipsentry.config.SinkConfig.Messages;
import io.ipsentry.config.SinkConfig.TextFormat;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.sink.EventKind;
import io.ipsentry.sink.EventSink;
import io.ipsentry.sink.EventSinkContract;
import io.ipsentry.sink.SinkEvents;
import io.ipsentry.sink.SinkException;
import io.ipsentry.sink.SinkException.Kind;
import io.ipsentry.sink.Template;
import io.ipsentry.watcher.sink.call.HttpCalls;
import io.ipsentry.watcher.sink.call.Receiver;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Against a server that answers as core.telegram.org/bots/api describes. */
final class TelegramSinkIT {
  private static final Receiver telegram = new Receiver("{\"ok\":true,\"result\":{}}");
  private static final String TOKEN = "123456:marker-SeCrEt-0123456789abcdef";
  private static final JsonMapper JSON = new JsonMapper();

  private TelegramSink sink = made(TextFormat.HTML, Optional.empty(), false);

  private static TelegramSink made(
      TextFormat format, Optional<Template> template, boolean lifecycle) {
    return new TelegramSink(
        new SinkConfig.Telegram(
            "-100123",
            Optional.of(9),
            new Secret(TOKEN),
            format,
            true,
            new Messages(
                Set.of(EventKind.BAN, EventKind.UNBAN),
                template,
                Optional.empty(),
                5,
                Duration.ofSeconds(3),
                lifecycle),
            URI.create(telegram.url())),
        "home",
        "log1",
        new HttpCalls(() -> SinkEvents.AT));
  }

  @AfterEach
  void close() {
    sink.close();
    telegram.reset();
  }

  @AfterAll
  static void stop() {
    telegram.close();
  }

  private static ResponseDefinitionBuilder error(
      int status, String description, String parameters) {
    return new ResponseDefinitionBuilder()
        .withStatus(status)
        .withBody(
            "{\"ok\":false,\"error_code\":%d,\"description\":\"%s\"%s}"
                .formatted(
                    status,
                    description,
                    parameters.isEmpty() ? "" : ",\"parameters\":" + parameters));
  }

  private static SequencedEvent ban(String reason) {
    return new SequencedEvent(
        7,
        new BanEvent.Ban(
            SinkEvents.AT,
            IpPrefix.parse("203.0.113.7"),
            null,
            "probing",
            reason,
            3,
            SeenAs.PEER,
            "watcher",
            1,
            null,
            null));
  }

  private static JsonNode body(Receiver.Message message) throws JsonProcessingException {
    return JSON.readTree(message.body());
  }

  @Test
  void deliver_hostileReason_isText() throws Exception {
    assertThat(sink.deliver(List.of(ban("</b><a href=\"x\">&")))).isEqualTo(1);

    Receiver.Message message = telegram.taken().getFirst();
    assertThat(message.url()).isEqualTo("/bot" + TOKEN + "/sendMessage");
    assertThat(body(message).path("chat_id").asText()).isEqualTo("-100123");
    assertThat(body(message).path("message_thread_id").asInt()).isEqualTo(9);
    assertThat(body(message).path("disable_notification").asBoolean()).isTrue();
    assertThat(body(message).path("parse_mode").asText()).isEqualTo("HTML");
    assertThat(body(message).path("text").asText())
        .isEqualTo(
            "<b>home</b>: banned 203.0.113.7 for ever: probing"
                + " (&lt;/b&gt;&lt;a href=\"x\"&gt;&amp;)");
  }

  @Test
  void deliver_many_isADigestThatFits() throws Exception {
    assertThat(sink.deliver(SinkEvents.bans(1, 800))).isEqualTo(800);

    String text = body(telegram.taken().getFirst()).path("text").asText();
    assertThat(text)
        .startsWith("<b>home</b>: 800 events, 800 bans, 0 unbans (1 to 800)\n<pre>banned ")
        .contains("more</pre>")
        .hasSizeLessThanOrEqualTo(TelegramSink.MAX_CHARS);
  }

  @Test
  void deliver_reasonsThatGrowWhenEscaped_stillFit() throws Exception {
    sink.close();
    sink = made(TextFormat.HTML, Optional.empty(), false);
    List<SequencedEvent> events = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      events.add(ban("<".repeat(500)));
    }

    assertThat(sink.deliver(events)).isEqualTo(30);
    assertThat(body(telegram.taken().getFirst()).path("text").asText())
        .hasSizeLessThanOrEqualTo(TelegramSink.MAX_CHARS);
  }

  @Test
  void deliver_templateTelegramCannotRead_isSentPlainly() throws Exception {
    sink.close();
    sink = made(TextFormat.MARKDOWN, Optional.of(Template.of("*{ip}* ({reason}")), false);
    telegram.answer(error(400, "Bad Request: can't parse entities: Character '(' is reserved", ""));

    assertThat(sink.deliver(List.of(ban("^/wp-admin")))).isEqualTo(1);

    assertThat(body(telegram.refused().getFirst()).path("text").asText())
        .isEqualTo("*203\\.0\\.113\\.7* (^/wp\\-admin");
    assertThat(body(telegram.taken().getFirst()).has("parse_mode")).isFalse();
  }

  @Test
  void deliver_tooLongATemplate_isCut() throws Exception {
    sink.close();
    sink = made(TextFormat.PLAIN, Optional.of(Template.of("x".repeat(5_000) + "{ip}")), false);

    assertThat(sink.deliver(List.of(ban("^/wp-admin")))).isEqualTo(1);

    assertThat(body(telegram.taken().getFirst()).path("text").asText())
        .isEqualTo("home: banned 203.0.113.7 for ever: probing (^/wp-admin)");
  }

  @Test
  void deliver_errors_areOfTheirKindAndHideTheToken() {
    telegram.answer(error(429, "Too Many Requests: retry after 14", "{\"retry_after\":14}"));
    SinkException busy = failure();
    telegram.answer(error(401, "Unauthorized", ""));
    SinkException unauthorized = failure();
    telegram.answer(error(403, "Forbidden: bot was kicked, " + TOKEN, ""));
    SinkException kicked = failure();
    telegram.answer(
        error(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            "{\"migrate_to_chat_id\":-100999}"));
    SinkException moved = failure();
    telegram.answer(new ResponseDefinitionBuilder().withStatus(502).withBody("<html>"));
    SinkException away = failure();

    assertThat(busy.retryAfter()).hasValue(Duration.ofSeconds(14));
    assertThat(unauthorized.kind()).isEqualTo(Kind.REFUSED);
    assertThat(kicked.kind()).isEqualTo(Kind.REFUSED);
    assertThat(kicked).hasMessage("Telegram answered 403: Forbidden: bot was kicked, …");
    assertThat(moved).hasMessageContaining("write chat: \"-100999\"");
    assertThat(away.kind()).isEqualTo(Kind.TRANSIENT);
  }

  private SinkException failure() {
    return catchThrowableOfType(
        SinkException.class, () -> sink.deliver(List.of(ban("^/wp-admin"))));
  }

  @Test
  void deliver_nobodyThere_doesNotShowTheUrl() {
    Receiver gone = new Receiver("");
    String url = gone.url();
    gone.close();
    TelegramSink lonely =
        new TelegramSink(
            new SinkConfig.Telegram(
                "@a",
                Optional.empty(),
                new Secret(TOKEN),
                TextFormat.PLAIN,
                false,
                new Messages(
                    Set.of(EventKind.BAN),
                    Optional.empty(),
                    Optional.empty(),
                    5,
                    Duration.ZERO,
                    false),
                URI.create(url)),
            "home",
            "log1",
            new HttpCalls(() -> SinkEvents.AT));
    SinkException e =
        catchThrowableOfType(SinkException.class, () -> lonely.deliver(List.of(ban("^/wp-admin"))));
    lonely.close();

    assertThat(e.kind()).isEqualTo(Kind.TRANSIENT);
    assertThat(e).hasMessageContaining("no answer from").hasNoCause();
    assertThat(e.getMessage()).doesNotContain("SeCrEt");
  }

  @Test
  void startedAndStopped_wanted_areTold() throws Exception {
    sink.started();
    assertThat(telegram.taken()).isEmpty();
    sink.close();
    sink = made(TextFormat.HTML, Optional.empty(), true);
    sink.started();
    sink.stopped();

    assertThat(telegram.taken())
        .extracting(message -> body(message).path("text").asText())
        .containsExactly("home: ip-sentry started", "home: ip-sentry stopped");
  }

  @Nested
  final class Contract extends EventSinkContract {
    private final TelegramSink mine =
        made(TextFormat.PLAIN, Optional.of(Template.of("#{seq}#")), false);

    @AfterEach
    void end() {
      mine.close();
    }

    @Override
    protected EventSink sink() {
      return mine;
    }

    @Override
    protected List<Long> taken() {
      List<Long> numbers = new ArrayList<>();
      for (Receiver.Message message : telegram.taken()) {
        Matcher digest = Pattern.compile("\\((\\d+) to (\\d+)\\)").matcher(message.body());
        if (digest.find()) {
          for (long i = Long.parseLong(digest.group(1));
              i <= Long.parseLong(digest.group(2));
              i++) {
            numbers.add(i);
          }
        } else {
          Pattern.compile("#(\\d+)#")
              .matcher(message.body())
              .results()
              .forEach(each -> numbers.add(Long.parseLong(each.group(1))));
        }
      }
      return numbers;
    }

    @Override
    protected void failNext() {
      telegram.answer(error(500, "Internal Server Error", ""));
    }
  }
}
