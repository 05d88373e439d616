package io.ipsentry.watcher.sink.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import io.ipsentry.ban.BanEventJson;
import io.ipsentry.config.Secret;
import io.ipsentry.config.SinkConfig;
import io.ipsentry.config.SinkConfig.Messages;
import io.ipsentry.config.SinkConfig.Shape;
import io.ipsentry.sink.EventKind;
import io.ipsentry.sink.EventSink;
import io.ipsentry.sink.EventSinkContract;
import io.ipsentry.sink.SinkEvents;
import io.ipsentry.sink.SinkException;
import io.ipsentry.sink.SinkException.Kind;
import io.ipsentry.sink.Template;
import io.ipsentry.watcher.sink.call.HttpCalls;
import io.ipsentry.watcher.sink.call.Receiver;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

final class WebhookSinkIT {
  private static final Receiver receiver = new Receiver("ok");
  private static final String KEY = "marker-SeCrEt-key";
  private static final JsonMapper JSON = new JsonMapper();

  private WebhookSink sink = made(Shape.EVENTS, Optional.empty(), Optional.empty());

  private static WebhookSink made(
      Shape shape, Optional<Template> template, Optional<Template> digest) {
    return new WebhookSink(
        new SinkConfig.Webhook(
            new Secret(receiver.url() + "/hooks/marker-SeCrEt-path"),
            Optional.of(new Secret(KEY)),
            Optional.of(new Secret("marker-SeCrEt-token")),
            shape,
            "application/json",
            new Messages(Set.of(EventKind.BAN), template, digest, 5, Duration.ofSeconds(1), false)),
        "home",
        "log1",
        new HttpCalls(() -> SinkEvents.AT),
        () -> SinkEvents.AT);
  }

  @AfterEach
  void close() {
    sink.close();
    receiver.reset();
  }

  @AfterAll
  static void stop() {
    receiver.close();
  }

  @Test
  void deliver_events_areSignedAndNamed() throws Exception {
    assertThat(sink.deliver(SinkEvents.bans(42, 43))).isEqualTo(2);

    Receiver.Message message = receiver.taken().getFirst();
    JsonNode body = JSON.readTree(message.body());
    assertThat(body.path("instance").asText()).isEqualTo("home");
    assertThat(body.path("id").asText()).isEqualTo("log1-42-43");
    assertThat(body.path("events").get(0))
        .isEqualTo(JSON.readTree(BanEventJson.toBytes(SinkEvents.bans(42, 42).getFirst())));
    assertThat(message.headers())
        .containsEntry("x-ip-sentry-id", "log1-42-43")
        .containsEntry("x-ip-sentry-timestamp", Long.toString(SinkEvents.AT.getEpochSecond()))
        .containsEntry("authorization", "Bearer marker-SeCrEt-token")
        .containsEntry("content-type", "application/json")
        .containsEntry("x-ip-sentry-signature", "sha256=" + hmac(message));
  }

  private static String hmac(Receiver.Message message) throws Exception {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(KEY.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
    String signed = message.headers().get("x-ip-sentry-timestamp") + "." + message.body();
    return HexFormat.of().formatHex(mac.doFinal(signed.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void deliver_slack_isWhatSlackTakes() throws Exception {
    sink.close();
    sink = made(Shape.SLACK, Optional.empty(), Optional.empty());
    assertThat(sink.deliver(SinkEvents.bans(1, 2))).isEqualTo(2);
    assertThat(sink.deliver(SinkEvents.bans(3, 20))).isEqualTo(18);

    JsonNode few = JSON.readTree(receiver.taken().get(0).body());
    JsonNode many = JSON.readTree(receiver.taken().get(1).body());
    assertThat(few.path("text").asText())
        .isEqualTo(
            "*home*: banned 203.0.113.1 for 10m: probing (^/wp-admin)\n"
                + "*home*: banned 203.0.113.2 for 10m: probing (^/wp-admin)");
    assertThat(many.path("text").asText())
        .startsWith("*home*: 18 events, 18 bans, 0 unbans (3 to 20)\nbanned 203.0.113.3");
    assertThat(few.size()).isEqualTo(1);
  }

  @Test
  void deliver_templates_oneByOneOrTogether() {
    sink.close();
    Template template = Template.of("{\"t\":\"{ip} {reason}\",\"n\":{seq}}");
    sink = made(Shape.TEMPLATE, Optional.of(template), Optional.empty());
    assertThat(sink.deliver(SinkEvents.bans(1, 20))).isEqualTo(1);
    sink.close();
    sink =
        made(
            Shape.TEMPLATE,
            Optional.of(template),
            Optional.of(Template.of("{\"n\":{count},\"l\":\"{lines}\"}")));
    assertThat(sink.deliver(SinkEvents.bans(1, 7))).isEqualTo(7);

    assertThat(receiver.taken().get(0).body())
        .isEqualTo("{\"t\":\"203.0.113.1 ^/wp-admin\",\"n\":1}");
    assertThat(receiver.taken().get(1).body())
        .startsWith("{\"n\":7,\"l\":\"banned 203.0.113.1 for 10m: probing (^/wp-admin)\\nbanned");
  }

  @Test
  void deliver_answers_areOfTheirKindAndHideTheUrl() {
    assertThat(failure(500).kind()).isEqualTo(Kind.TRANSIENT);
    assertThat(failure(404).kind()).isEqualTo(Kind.REFUSED);
    assertThat(failure(302).kind()).isEqualTo(Kind.REFUSED);
    assertThat(failure(413).kind()).isEqualTo(Kind.CONTENT);
    SinkException busy = failure(429);
    assertThat(busy.retryAfter()).hasValue(Duration.ofSeconds(9));
    assertThat(busy).hasMessage("localhost answered 429");
  }

  private SinkException failure(int status) {
    receiver.answer(
        new ResponseDefinitionBuilder()
            .withStatus(status)
            .withHeader("Retry-After", "9")
            .withHeader("Location", "http://192.0.2.1/"));
    return catchThrowableOfType(SinkException.class, () -> sink.deliver(SinkEvents.bans(1, 1)));
  }

  @Test
  void config_printed_hasNoSecret() {
    SinkConfig.Webhook config =
        new SinkConfig.Webhook(
            new Secret("https://h/SeCrEt"),
            Optional.of(new Secret("SeCrEt")),
            Optional.of(new Secret("SeCrEt")),
            Shape.EVENTS,
            "a/b",
            new Messages(Set.of(), Optional.empty(), Optional.empty(), 1, Duration.ZERO, false));

    assertThat(new SinkConfig("a", Optional.empty(), config).toString()).doesNotContain("SeCrEt");
  }

  @Nested
  final class Contract extends EventSinkContract {
    private final WebhookSink mine = made(Shape.EVENTS, Optional.empty(), Optional.empty());

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
      receiver
          .taken()
          .forEach(message ->
              Pattern.compile("\"seq\":(\\d+)")
                  .matcher(message.body())
                  .results()
                  .forEach(each -> numbers.add(Long.parseLong(each.group(1)))));
      return numbers;
    }

    @Override
    protected void failNext() {
      receiver.answer(new ResponseDefinitionBuilder().withStatus(503));
    }
  }
}
