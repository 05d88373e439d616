package io.ipsentry.watcher.sink.telegram;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.config.SinkConfig;
import io.ipsentry.config.SinkConfig.TextFormat;
import io.ipsentry.sink.Escape;
import io.ipsentry.sink.EventFields;
import io.ipsentry.sink.EventKind;
import io.ipsentry.sink.EventSink;
import io.ipsentry.sink.SinkException;
import io.ipsentry.sink.Template;
import io.ipsentry.watcher.sink.call.Answer;
import io.ipsentry.watcher.sink.call.HttpCalls;
import io.ipsentry.watcher.sink.call.Said;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Events as messages of a bot ({@code sendMessage} of core.telegram.org/bots/api): a few together
 * in one message, many as a digest. The token is a part of the URL, so no URL is ever shown.
 */
public final class TelegramSink implements EventSink {
  /** Longest text of a message, in UTF-16 units. */
  static final int MAX_CHARS = 4_096;

  private static final int MAX_EVENTS = 1_000;
  private static final Template OURS = Template.of("{instance}: {text}");
  private static final Template OUR_DIGEST = Template.of("{instance}: {text}\n{lines}");
  private static final Template OURS_HTML = Template.of("<b>{instance}</b>: {text}");
  private static final Template OUR_DIGEST_HTML =
      Template.of("<b>{instance}</b>: {text}\n<pre>{lines}</pre>");
  private static final Template OURS_MARKDOWN = Template.of("*{instance}*: {text}");
  private static final Template OUR_DIGEST_MARKDOWN = Template.of("*{instance}*: {text}\n{lines}");

  private static final JsonMapper JSON = new JsonMapper();

  private final SinkConfig.Telegram config;
  private final String instance;
  private final String logId;
  private final HttpCalls calls;

  /**
   * @param instance name of this installation
   * @param logId name of the log
   * @param calls closed with the sink
   */
  public TelegramSink(SinkConfig.Telegram config, String instance, String logId, HttpCalls calls) {
    this.config = config;
    this.instance = instance;
    this.logId = logId;
    this.calls = calls;
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
    if (events.size() > config.messages().digestAbove()) {
      String digest = digest(events);
      if (digest.length() <= MAX_CHARS) {
        send(digest, plainDigest(events));
        return events.size();
      }
    }
    List<String> texts = new ArrayList<>();
    int chars = 0;
    for (SequencedEvent event : events.subList(0, Math.min(events.size(), most()))) {
      String text = text(event);
      chars += text.length() + 1;
      if (!texts.isEmpty() && chars > MAX_CHARS) {
        break;
      }
      texts.add(text);
    }
    send(String.join("\n", texts), plain(events.subList(0, texts.size())));
    return texts.size();
  }

  private int most() {
    return config.messages().digestAbove();
  }

  private String text(SequencedEvent event) {
    return config
        .messages()
        .template()
        .orElse(
            switch (config.format()) {
              case PLAIN -> OURS;
              case HTML -> OURS_HTML;
              case MARKDOWN -> OURS_MARKDOWN;
            })
        .render(EventFields.of(event, instance, logId), escape());
  }

  private String digest(List<SequencedEvent> events) {
    Template template =
        config
            .messages()
            .digestTemplate()
            .orElse(
                switch (config.format()) {
                  case PLAIN -> OUR_DIGEST;
                  case HTML -> OUR_DIGEST_HTML;
                  case MARKDOWN -> OUR_DIGEST_MARKDOWN;
                });
    String text = "";
    // Escaping makes texts longer, by how much shows only then.
    for (int room = 3_500; room > 100; room /= 2) {
      Map<String, String> fields = EventFields.ofDigest(events, instance, logId, room);
      text = template.render(fields, escape());
      if (text.length() <= MAX_CHARS) {
        break;
      }
    }
    return text;
  }

  private Escape escape() {
    return switch (config.format()) {
      case PLAIN -> Escape.NONE;
      case HTML -> Escape.HTML;
      case MARKDOWN -> Escape.MARKDOWN;
    };
  }

  private String plain(List<SequencedEvent> events) {
    return String.join(
        "\n",
        events.stream()
            .map(event -> OURS.render(EventFields.of(event, instance, logId), Escape.NONE))
            .toList());
  }

  private String plainDigest(List<SequencedEvent> events) {
    return OUR_DIGEST.render(EventFields.ofDigest(events, instance, logId, 3_500), Escape.NONE);
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
      String text = instance + ": ip-sentry " + what;
      post(text, TextFormat.PLAIN);
    }
  }

  /** A text that Telegram cannot read, or that is too long, goes out as plain text. */
  private void send(String text, String plain) {
    if (text.length() > MAX_CHARS) {
      post(cut(plain), TextFormat.PLAIN);
      return;
    }
    try {
      post(text, config.format());
    } catch (SinkException e) {
      if (e.kind() != SinkException.Kind.CONTENT) {
        throw e;
      }
      post(cut(plain), TextFormat.PLAIN);
    }
  }

  private static String cut(String text) {
    if (text.length() <= MAX_CHARS) {
      return text;
    }
    int end = MAX_CHARS - 1;
    if (Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end) + "…";
  }

  private void post(String text, TextFormat format) {
    ObjectNode body = JSON.createObjectNode();
    body.put("chat_id", config.chat());
    config.thread().ifPresent(thread -> body.put("message_thread_id", thread));
    body.put("text", text);
    switch (format) {
      case PLAIN -> {}
      case HTML -> body.put("parse_mode", "HTML");
      case MARKDOWN -> body.put("parse_mode", "MarkdownV2");
    }
    body.putObject("link_preview_options").put("is_disabled", true);
    if (config.silent()) {
      body.put("disable_notification", true);
    }
    URI uri = URI.create(config.api() + "/bot" + config.token().value() + "/sendMessage");
    judge(
        calls.send(
            HttpCalls.to(uri)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body.toString()))
                .build()));
  }

  private void judge(Answer answer) {
    JsonNode document = answer.json();
    if (answer.isSuccess() && document.path("ok").asBoolean(false)) {
      return;
    }
    String description = document.path("description").asText("no reason given");
    String message =
        "Telegram answered " + answer.status() + ": " + Said.of(description, config.token());
    JsonNode wait = document.path("parameters").path("retry_after");
    if (answer.status() == 429 || wait.isNumber()) {
      Duration asked =
          wait.isNumber()
              ? Duration.ofSeconds(Math.max(1, wait.asLong()))
              : answer.retryAfter().orElse(Duration.ofSeconds(30));
      throw SinkException.busy(message, asked);
    }
    if (answer.status() == 400 && isOfText(description)) {
      throw SinkException.content(message);
    }
    if (answer.status() >= 400 && answer.status() < 500) {
      JsonNode moved = document.path("parameters").path("migrate_to_chat_id");
      throw SinkException.refused(
          moved.isNumber() ? message + "; write chat: \"" + moved.asLong() + "\"" : message);
    }
    throw SinkException.transientFailure(message, null);
  }

  private static boolean isOfText(String description) {
    return description.contains("parse entities")
        || description.contains("message is too long")
        || description.contains("text is empty")
        || description.contains("text must be");
  }

  @Override
  public void close() {
    calls.close();
  }
}
