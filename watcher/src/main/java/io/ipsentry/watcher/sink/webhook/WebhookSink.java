package io.ipsentry.watcher.sink.webhook;

import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.config.Secret;
import io.ipsentry.config.SinkConfig;
import io.ipsentry.config.SinkConfig.Shape;
import io.ipsentry.sink.Escape;
import io.ipsentry.sink.EventFields;
import io.ipsentry.sink.EventKind;
import io.ipsentry.sink.EventSink;
import io.ipsentry.sink.SinkException;
import io.ipsentry.sink.Template;
import io.ipsentry.watcher.sink.call.Answer;
import io.ipsentry.watcher.sink.call.HttpCalls;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Events as messages that are posted to a URL, of which only the host is ever shown. */
public final class WebhookSink implements EventSink {
  private static final int MAX_EVENTS = 100;

  /** Of the lines of a digest; Slack shows no more of a text than 40,000 characters. */
  private static final int MAX_LINE_CHARS = 8_000;

  private static final Template SLACK_DIGEST =
      Template.of("{\"text\": \"*{instance}*: {text}\\n{lines}\"}");
  private static final Template SLACK = Template.of("{\"text\": \"{lines}\"}");
  private static final Template SLACK_LINE = Template.of("*{instance}*: {text}");
  private static final Template ANNOUNCEMENT =
      Template.of("{\"text\": \"{instance}: ip-sentry {text}\"}");

  private final SinkConfig.Webhook config;
  private final String instance;
  private final String logId;
  private final HttpCalls calls;
  private final InstantSource clock;
  private final URI uri;

  /**
   * @param instance name of this installation
   * @param logId name of the log
   * @param calls closed with the sink
   * @param clock when a message is sent
   */
  public WebhookSink(
      SinkConfig.Webhook config,
      String instance,
      String logId,
      HttpCalls calls,
      InstantSource clock) {
    this.config = config;
    this.instance = instance;
    this.logId = logId;
    this.calls = calls;
    this.clock = clock;
    uri = URI.create(config.url().value());
  }

  @Override
  public String kind() {
    return config.kind();
  }

  @Override
  public boolean wants(SequencedEvent event) {
    return config.messages().events().contains(EventKind.of(event.event()));
  }

  @Override
  public int maxEvents() {
    return MAX_EVENTS;
  }

  @Override
  public Duration interval() {
    return config.messages().interval();
  }

  @Override
  public int deliver(List<SequencedEvent> events) {
    boolean many = events.size() > config.messages().digestAbove();
    Optional<Template> digest = config.messages().digestTemplate();
    return switch (config.shape()) {
      case EVENTS -> post(events, events(events));
      case SLACK -> post(events, many ? slackDigest(events) : slack(events));
      case TEMPLATE ->
          many && digest.isPresent()
              ? post(events, digest.get().render(digestFields(events), escape()))
              : post(events.subList(0, 1), one(events.getFirst()));
    };
  }

  private String events(List<SequencedEvent> events) {
    String all = events.stream().map(BanEventJson::toLine).collect(Collectors.joining(","));
    return "{\"instance\":\"%s\",\"log\":\"%s\",\"id\":\"%s\",\"first\":%d,\"last\":%d,\"events\":[%s]}"
        .formatted(
            Escape.JSON.apply(instance),
            Escape.JSON.apply(logId),
            Escape.JSON.apply(id(events)),
            events.getFirst().seq(),
            events.getLast().seq(),
            all);
  }

  private String slack(List<SequencedEvent> events) {
    String lines =
        events.stream()
            .map(event -> SLACK_LINE.render(EventFields.of(event, instance, logId), Escape.HTML))
            .collect(Collectors.joining("\n"));
    return SLACK.render(Map.of("lines", lines), Escape.JSON);
  }

  private String slackDigest(List<SequencedEvent> events) {
    return SLACK_DIGEST.render(digestFields(events), Escape.SLACK);
  }

  private String one(SequencedEvent event) {
    return config
        .messages()
        .template()
        .orElseThrow()
        .render(EventFields.of(event, instance, logId), escape());
  }

  private Map<String, String> digestFields(List<SequencedEvent> events) {
    return EventFields.ofDigest(events, instance, logId, MAX_LINE_CHARS);
  }

  private Escape escape() {
    return config.contentType().contains("json") ? Escape.JSON : Escape.NONE;
  }

  private String id(List<SequencedEvent> events) {
    String first = logId + "-" + events.getFirst().seq();
    return events.size() == 1 ? first : first + "-" + events.getLast().seq();
  }

  @Override
  public void started() {
    announce("started");
  }

  @Override
  public void stopped() {
    announce("stopped");
  }

  private void announce(String what) {
    if (config.messages().lifecycle()) {
      String text =
          config.shape() == Shape.TEMPLATE && !config.contentType().contains("json")
              ? instance + ": ip-sentry " + what
              : ANNOUNCEMENT.render(Map.of("instance", instance, "text", what), Escape.SLACK);
      post(logId + "-" + what + "-" + clock.instant().getEpochSecond(), text);
    }
  }

  private int post(List<SequencedEvent> events, String body) {
    post(id(events), body);
    return events.size();
  }

  private void post(String id, String text) {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    String timestamp = Long.toString(clock.instant().getEpochSecond());
    HttpRequest.Builder request =
        HttpCalls.to(uri)
            .header("Content-Type", config.contentType())
            .header("X-Ip-Sentry-Id", id)
            .header("X-Ip-Sentry-Timestamp", timestamp)
            .POST(BodyPublishers.ofByteArray(body));
    config
        .signingKey()
        .ifPresent(key ->
            request.header("X-Ip-Sentry-Signature", MessageSignature.of(key, timestamp, body)));
    config
        .token()
        .map(Secret::value)
        .ifPresent(token -> request.header("Authorization", "Bearer " + token));
    judge(calls.send(request.build()));
  }

  private void judge(Answer answer) {
    if (answer.isSuccess()) {
      return;
    }
    // Nothing of the body: a receiver may repeat there what it was sent.
    String message = uri.getHost() + " answered " + answer.status();
    Optional<Duration> wait = answer.retryAfter();
    switch (answer.status()) {
      case 429, 503 ->
          throw wait.map(time -> SinkException.busy(message, time))
              .orElseGet(() -> SinkException.transientFailure(message, null));
      case 400, 413, 422 -> throw SinkException.content(message);
      case 401, 403, 404, 405, 410 -> throw SinkException.refused(message);
      default ->
          throw answer.status() >= 500 || answer.status() == 408
              ? SinkException.transientFailure(message, null)
              : SinkException.refused(message);
    }
  }

  @Override
  public void close() {
    calls.close();
  }
}
