package io.ipsentry.ban;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.io.ByteArrayOutputStream;
import java.io.CharConversionException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Ban events as JSON, one object a line, UTF-8, without the newline:
 *
 * <pre>{@code
 * {"seq":42,"at":"2026-11-21T07:00:00.123Z","type":"ban","ip":"203.0.113.7","until":"2026-11-22T07:00:00.123Z","rule":"probing","reason":"^/wp-admin","hits":3,"seen_as":"peer","by":"watcher"}
 * }</pre>
 *
 * <p>Times are RFC 3339 in UTC with three decimals; any offset and number of decimals is read.
 * {@code until} is null for ever. {@code offence} is left out if 1; {@code evidence_at}, {@code
 * scope}, {@code edit}, an empty {@code by} of a feed and an empty {@code reason} of a disallow are
 * left out if absent.
 *
 * <p>Evolution: a reader ignores fields it does not know, so fields can be added when ignoring them
 * is harmless. It refuses a {@code type} it does not know, because a state folded without it would
 * be wrong. Fields are never renamed or given another meaning.
 *
 * <p>Stateless, safe for any thread.
 */
public final class BanEventJson {
  /** Longest line that is read, in bytes; the limits of {@link BanEvent} keep ours below it. */
  public static final int MAX_LINE_BYTES = 64 * 1024;

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private BanEventJson() {}

  /** One event as a line of UTF-8, without the newline. */
  public static byte[] toBytes(SequencedEvent event) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(256);
    try (JsonGenerator json = JSON.createGenerator(out)) {
      write(event, json);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return out.toByteArray();
  }

  /** One event as a line, without the newline. */
  public static String toLine(SequencedEvent event) {
    return new String(toBytes(event), StandardCharsets.UTF_8);
  }

  /** A time as events show it, such as {@code 2026-11-21T07:00:00.123Z}. */
  public static String formatTime(Instant time) {
    return TIME.format(time);
  }

  private static void write(SequencedEvent sequenced, JsonGenerator json) throws IOException {
    BanEvent event = sequenced.event();
    json.writeStartObject();
    json.writeNumberField("seq", sequenced.seq());
    json.writeStringField("at", formatTime(event.at()));
    switch (event) {
      case BanEvent.Ban ban -> writeBan(ban, json);
      case BanEvent.Unban unban -> {
        writeHead("unban", unban.ip(), json);
        json.writeStringField("by", unban.by());
        json.writeStringField("reason", unban.reason());
        writeUnlessAbsent("edit", unban.edit(), json);
      }
      case BanEvent.Allow allow -> {
        writeHead("allow", allow.ip(), json);
        writeTime("until", allow.until(), json);
        json.writeStringField("by", allow.by());
        json.writeStringField("reason", allow.reason());
      }
      case BanEvent.Disallow disallow -> {
        writeHead("disallow", disallow.ip(), json);
        json.writeStringField("by", disallow.by());
        writeUnlessEmpty("reason", disallow.reason(), json);
      }
      case BanEvent.Feed feed -> {
        json.writeStringField("type", "feed");
        json.writeStringField("feed", feed.feed());
        json.writeStringField("digest", feed.digest());
        json.writeNumberField("entries", feed.entries());
        writeUnlessEmpty("by", feed.by(), json);
      }
    }
    json.writeEndObject();
  }

  private static void writeBan(BanEvent.Ban ban, JsonGenerator json) throws IOException {
    writeHead("ban", ban.ip(), json);
    writeTime("until", ban.until(), json);
    json.writeStringField("rule", ban.rule());
    json.writeStringField("reason", ban.reason());
    json.writeNumberField("hits", ban.hits());
    json.writeStringField("seen_as", ban.seenAs().wireName());
    json.writeStringField("by", ban.by());
    if (ban.offence() != 1) {
      json.writeNumberField("offence", ban.offence());
    }
    if (ban.evidenceAt() != null) {
      writeTime("evidence_at", ban.evidenceAt(), json);
    }
    writeUnlessAbsent("scope", ban.scope(), json);
    writeUnlessAbsent("edit", ban.edit(), json);
  }

  private static void writeHead(String type, IpPrefix ip, JsonGenerator json) throws IOException {
    json.writeStringField("type", type);
    json.writeStringField("ip", ip.toString());
  }

  private static void writeTime(String name, @Nullable Instant time, JsonGenerator json)
      throws IOException {
    if (time == null) {
      json.writeNullField(name);
    } else {
      json.writeStringField(name, formatTime(time));
    }
  }

  private static void writeUnlessAbsent(String name, @Nullable String value, JsonGenerator json)
      throws IOException {
    if (value != null) {
      json.writeStringField(name, value);
    }
  }

  private static void writeUnlessEmpty(String name, String value, JsonGenerator json)
      throws IOException {
    if (!value.isEmpty()) {
      json.writeStringField(name, value);
    }
  }

  /**
   * Reads one line, with or without its newline.
   *
   * @throws InvalidEventException if it is not one whole event, with what is wrong and where
   */
  public static SequencedEvent read(byte[] line) {
    if (line.length > MAX_LINE_BYTES) {
      throw new InvalidEventException(
          "the line has " + line.length + " bytes, more than " + MAX_LINE_BYTES);
    }
    Fields fields = new Fields();
    try (JsonParser json = JSON.createParser(line)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new InvalidEventException("the line is not a JSON object");
      }
      for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
        json.nextToken();
        fields.take(name, json);
      }
      if (json.currentToken() != JsonToken.END_OBJECT || json.nextToken() != null) {
        throw new InvalidEventException("something follows the JSON object");
      }
    } catch (JsonProcessingException e) {
      throw new InvalidEventException("broken JSON: " + e.getOriginalMessage(), e);
    } catch (CharConversionException e) {
      // The parser takes four bytes with two zeros for UTF-32, and then finds that it is not.
      throw new InvalidEventException("broken text: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory failed", e);
    }
    try {
      return new SequencedEvent(fields.number("seq", fields.seq), fields.toEvent());
    } catch (IllegalArgumentException e) {
      throw new InvalidEventException("a field is out of range: " + e.getMessage(), e);
    }
  }

  /** Reads one line, with or without its newline. See {@link #read(byte[])}. */
  public static SequencedEvent read(String line) {
    return read(line.getBytes(StandardCharsets.UTF_8));
  }

  /** What a line holds, whatever the order of its fields. */
  private static final class Fields {
    @Nullable Long seq;
    private @Nullable Long hits;
    private @Nullable Long offence;
    private @Nullable Long entries;
    private @Nullable String at;
    private @Nullable String type;
    private @Nullable String ip;
    private @Nullable String until;
    private boolean hasUntil;
    private @Nullable String rule;
    private @Nullable String reason;
    private @Nullable String seenAs;
    private @Nullable String by;
    private @Nullable String evidenceAt;
    private @Nullable String scope;
    private @Nullable String edit;
    private @Nullable String feed;
    private @Nullable String digest;

    void take(String name, JsonParser json) throws IOException {
      switch (name) {
        case "seq" -> seq = readNumber(name, json);
        case "hits" -> hits = readNumber(name, json);
        case "offence" -> offence = readNumber(name, json);
        case "entries" -> entries = readNumber(name, json);
        case "at" -> at = readText(name, json);
        case "type" -> type = readText(name, json);
        case "ip" -> ip = readText(name, json);
        case "until" -> {
          hasUntil = true;
          until = json.currentToken() == JsonToken.VALUE_NULL ? null : readText(name, json);
        }
        case "rule" -> rule = readText(name, json);
        case "reason" -> reason = readText(name, json);
        case "seen_as" -> seenAs = readText(name, json);
        case "by" -> by = readText(name, json);
        case "evidence_at" -> evidenceAt = readText(name, json);
        case "scope" -> scope = readText(name, json);
        case "edit" -> edit = readText(name, json);
        case "feed" -> feed = readText(name, json);
        case "digest" -> digest = readText(name, json);
        default -> json.skipChildren();
      }
    }

    BanEvent toEvent() {
      Instant time = time("at", text("at", at));
      String kind = text("type", type);
      return switch (kind) {
        case "ban" ->
            new BanEvent.Ban(
                time,
                address(),
                until(),
                text("rule", rule),
                text("reason", reason),
                integer("hits", number("hits", hits)),
                provenance(text("seen_as", seenAs)),
                text("by", by),
                offence == null ? 1 : integer("offence", offence),
                evidenceAt == null ? null : time("evidence_at", evidenceAt),
                scope,
                edit);
        case "unban" -> new BanEvent.Unban(time, address(), text("by", by), orEmpty(reason), edit);
        case "allow" ->
            new BanEvent.Allow(time, address(), until(), text("by", by), orEmpty(reason));
        case "disallow" -> new BanEvent.Disallow(time, address(), text("by", by), orEmpty(reason));
        case "feed" ->
            new BanEvent.Feed(
                time,
                text("feed", feed),
                text("digest", digest),
                integer("entries", number("entries", entries)),
                orEmpty(by));
        default ->
            throw new InvalidEventException(
                "type \"" + kind + "\" is unknown; a newer ip-sentry may have written it: upgrade");
      };
    }

    private IpPrefix address() {
      try {
        return IpPrefix.parse(text("ip", ip));
      } catch (InvalidAddressException e) {
        throw new InvalidEventException("ip: " + e.getMessage(), e);
      }
    }

    private @Nullable Instant until() {
      if (!hasUntil) {
        throw new InvalidEventException("until is missing; null means for ever");
      }
      return until == null ? null : time("until", until);
    }

    private static SeenAs provenance(String name) {
      for (SeenAs seenAs : SeenAs.values()) {
        if (seenAs.wireName().equals(name)) {
          return seenAs;
        }
      }
      throw new InvalidEventException(
          "seen_as must be peer, forwarded, manual or feed, is \"" + name + '"');
    }

    private static Instant time(String name, String text) {
      try {
        return OffsetDateTime.parse(text).toInstant();
      } catch (DateTimeException e) {
        throw new InvalidEventException(
            name + " must be a time such as 2026-11-21T07:00:00.123Z, is \"" + text + '"', e);
      }
    }

    private static String text(String name, @Nullable String value) {
      if (value == null) {
        throw new InvalidEventException(name + " is missing");
      }
      return value;
    }

    long number(String name, @Nullable Long value) {
      if (value == null) {
        throw new InvalidEventException(name + " is missing");
      }
      return value;
    }

    private static int integer(String name, long value) {
      if (value < 0 || value > Integer.MAX_VALUE) {
        throw new InvalidEventException(name + " must be 0 to 2147483647, is " + value);
      }
      return (int) value;
    }

    private static String orEmpty(@Nullable String text) {
      return text == null ? "" : text;
    }

    private static String readText(String name, JsonParser json) throws IOException {
      if (json.currentToken() != JsonToken.VALUE_STRING) {
        throw new InvalidEventException(name + " must be a text");
      }
      return json.getText();
    }

    private static long readNumber(String name, JsonParser json) throws IOException {
      if (json.currentToken() != JsonToken.VALUE_NUMBER_INT) {
        throw new InvalidEventException(name + " must be a whole number");
      }
      return json.getLongValue();
    }
  }
}
