package io.ipsentry.testing.kubelet;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** What a kubelet answers when it is asked for a log, bit by bit. Confined to one thread. */
public final class LogAnswer {
  /** Nine digits, as the kubelet writes them. */
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSSSSSX").withZone(ZoneOffset.UTC);

  private static final int AT_ONCE = 1_000;

  private final RuntimeLog log;
  private final RuntimeLog.Reading reading;
  private final boolean follow;
  private final Instant since;
  private final BooleanSupplier cut;
  private final List<RuntimeLog.Entry> given = new ArrayList<>();
  private boolean stamps = true;
  private long left = Long.MAX_VALUE;
  private boolean newLine = true;

  LogAnswer(
      RuntimeLog log,
      RuntimeLog.Reading reading,
      boolean follow,
      Instant since,
      BooleanSupplier cut) {
    this.log = log;
    this.reading = reading;
    this.follow = follow;
    this.since = since;
    this.cut = cut;
  }

  void withoutStamps() {
    stamps = false;
  }

  /** Begins so many lines before the end; a negative number: at the start. */
  void tail(int lines) {
    log.tail(reading, lines);
  }

  /** Gives no more than so many bytes. */
  void limit(long bytes) {
    left = bytes;
  }

  /** Whether it was cut off. */
  public boolean isCut() {
    return cut.getAsBoolean();
  }

  /**
   * The next bytes; waits for some where the log is followed. Empty: the end, or it was cut off.
   */
  public byte[] next() throws InterruptedException {
    given.clear();
    while (left > 0) {
      List<RuntimeLog.Entry> entries = log.next(reading, follow, AT_ONCE, cut);
      if (entries.isEmpty() || isCut()) {
        break;
      }
      byte[] bytes = bytes(entries);
      if (bytes.length > 0) {
        return bytes;
      }
    }
    return new byte[0];
  }

  /** The bytes of the last {@link #next} were given to whoever asked. */
  public void given() {
    log.served(given);
  }

  private byte[] bytes(List<RuntimeLog.Entry> entries) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (RuntimeLog.Entry entry : entries) {
      if (!entry.stamp().isBefore(since) && left > 0) {
        String stamp = stamps && newLine ? STAMP.format(entry.stamp()) + " " : "";
        byte[] line =
            (stamp + entry.content() + (entry.partial() ? "" : "\n"))
                .getBytes(StandardCharsets.UTF_8);
        int length = (int) Math.min(line.length, left);
        bytes.write(line, 0, length);
        left -= length;
        given.add(entry);
      }
      newLine = !entry.partial();
    }
    return bytes.toByteArray();
  }
}
