package io.ipsentry.watcher.source;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/**
 * Turns journal entries into lines as a syslog daemon writes them with full time stamps, so that
 * the formats for files read them too:
 *
 * <pre>{@code 2026-11-21T07:00:00.123456+00:00 web1 sshd[4711]: Failed password for …}</pre>
 *
 * <p>Newlines within a message become blanks: a message of two lines must not pass for two
 * messages.
 */
final class JournalEntries {
  /** What to ask the journal for; the cursor and the time come unasked. */
  static final String FIELDS = "MESSAGE,_HOSTNAME,SYSLOG_IDENTIFIER,_COMM,_PID,SYSLOG_PID";

  private static final int MAX_CURSOR_BYTES = 512;
  private static final int MAX_WORD_BYTES = 255;
  private static final int MAX_NUMBER_BYTES = 20;
  private static final long MICROS = 1_000_000;
  private static final int NANOS_PER_MICRO = 1_000;
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSxxx").withZone(ZoneOffset.UTC);

  private final JournalExport export = new JournalExport();
  private final ByteText cursor = export.want("__CURSOR", MAX_CURSOR_BYTES);
  private final ByteText time = export.want("__REALTIME_TIMESTAMP", MAX_NUMBER_BYTES);
  private final ByteText message = export.want("MESSAGE", LineSource.MAX_LINE_BYTES);
  private final ByteText host = export.want("_HOSTNAME", MAX_WORD_BYTES);
  private final ByteText identifier = export.want("SYSLOG_IDENTIFIER", MAX_WORD_BYTES);
  private final ByteText command = export.want("_COMM", MAX_WORD_BYTES);
  private final ByteText pid = export.want("_PID", MAX_NUMBER_BYTES);
  private final ByteText syslogPid = export.want("SYSLOG_PID", MAX_NUMBER_BYTES);
  private final ByteText line = new ByteText(LineSource.MAX_LINE_BYTES);

  /** Gets the entries. */
  interface Receiver {
    /**
     * Takes an entry.
     *
     * @param line the text, valid during the call; empty when the entry has no message
     * @param cursor names the entry
     * @param micros when it was written, microseconds since the epoch; 0 when unknown
     */
    void entry(ByteText line, ByteText cursor, long micros);
  }

  /**
   * Reads the next piece of the export.
   *
   * @throws JournalFormatException if it is something else
   */
  void read(byte[] b, int from, int to, Receiver receiver) {
    int at = from;
    while (at < to) {
      at = export.next(b, at, to);
      if (at < 0) {
        return;
      }
      if (!cursor.isEmpty()) {
        long micros = micros();
        compose(micros);
        receiver.entry(line, cursor, micros);
      }
      export.clear();
    }
  }

  void reset() {
    export.reset();
  }

  private long micros() {
    long value = 0;
    for (int i = 0; i < time.length(); i++) {
      int digit = time.bytes()[i] - '0';
      if (digit < 0 || digit > 9) {
        return 0;
      }
      value = value * 10 + digit;
    }
    return Math.max(value, 0);
  }

  private void compose(long micros) {
    line.clear();
    if (message.isEmpty()) {
      return;
    }
    Instant at = Instant.ofEpochSecond(micros / MICROS, micros % MICROS * NANOS_PER_MICRO);
    line.append(STAMP.format(at));
    line.append(" ");
    word(host, "localhost");
    line.append(" ");
    word(identifier.isEmpty() ? command : identifier, "unknown");
    ByteText number = pid.isEmpty() ? syslogPid : pid;
    if (!number.isEmpty()) {
      line.append("[");
      word(number, "");
      line.append("]");
    }
    line.append(": ");
    message.replace((byte) '\n', (byte) ' ');
    message.replace((byte) '\r', (byte) ' ');
    line.append(message);
  }

  private void word(ByteText text, String otherwise) {
    if (text.isEmpty()) {
      line.append(otherwise);
    } else {
      text.toWord();
      line.append(text);
    }
  }
}
