package io.ipsentry.watcher.logging;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.encoder.EncoderBase;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;

/**
 * Writes a log entry as one line of JSON; see {@link JsonLogging}.
 *
 * <p>A key that is the name of a fixed field gets {@code _} behind it. Texts longer than {@value
 * #MAX_TEXT_CHARS} characters are cut, with {@code …} at the end, and so are stack traces longer
 * than {@value #MAX_ERROR_CHARS}. Safe for any thread.
 */
final class JsonLineEncoder extends EncoderBase<ILoggingEvent> {
  /** Characters of a message or value. */
  static final int MAX_TEXT_CHARS = 4_096;

  /** Characters of a stack trace. */
  static final int MAX_ERROR_CHARS = 16_384;

  private static final Set<String> FIXED =
      Set.of("time", "level", "logger", "thread", "message", "error");

  private final JsonFactory json = new JsonFactory();

  @Override
  public byte[] headerBytes() {
    return new byte[0];
  }

  @Override
  public byte[] encode(ILoggingEvent event) {
    ByteArrayOutputStream line = new ByteArrayOutputStream(256);
    try (JsonGenerator out = json.createGenerator(line)) {
      out.writeStartObject();
      out.writeStringField("time", event.getInstant().truncatedTo(ChronoUnit.MILLIS).toString());
      out.writeStringField("level", event.getLevel().toString().toLowerCase(Locale.ROOT));
      out.writeStringField("logger", event.getLoggerName());
      out.writeStringField("thread", event.getThreadName());
      out.writeStringField("message", text(event.getFormattedMessage(), MAX_TEXT_CHARS));
      List<KeyValuePair> pairs = event.getKeyValuePairs();
      if (pairs != null) {
        for (KeyValuePair pair : pairs) {
          writePair(out, pair);
        }
      }
      IThrowableProxy thrown = event.getThrowableProxy();
      if (thrown != null) {
        out.writeStringField("error", text(ThrowableProxyUtil.asString(thrown), MAX_ERROR_CHARS));
      }
      out.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("a byte array refused to be written", e);
    }
    line.write('\n');
    return line.toByteArray();
  }

  @Override
  public byte[] footerBytes() {
    return new byte[0];
  }

  private static void writePair(JsonGenerator out, KeyValuePair pair) throws IOException {
    String key = text(pair.key, MAX_TEXT_CHARS);
    out.writeFieldName(FIXED.contains(key) ? key + "_" : key);
    switch (pair.value) {
      case null -> out.writeNull();
      case Boolean flag -> out.writeBoolean(flag);
      case Integer number -> out.writeNumber(number);
      case Long number -> out.writeNumber(number);
      case Object other -> out.writeString(text(other.toString(), MAX_TEXT_CHARS));
    }
  }

  private static String text(@Nullable String text, int maxChars) {
    if (text == null) {
      return "";
    }
    String cut = text.length() <= maxChars ? text : text.substring(0, maxChars) + "…";
    // Half a surrogate pair is no text; the generator would refuse the whole line.
    return new String(cut.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
  }
}
