package io.ipsentry.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.TimeUnit;

/**
 * A journal of systemd, in a directory of the test's: real files, which {@code
 * systemd-journal-remote} writes and {@code journalctl --directory} reads. For one thread.
 *
 * @param directory of its files
 */
public record SystemJournal(Path directory) {
  private static final String BOOT = "0123456789abcdef".repeat(2);

  /**
   * What a service said.
   *
   * @param pid also orders entries of the same boot
   */
  public record Entry(Instant at, String unit, String identifier, int pid, String message) {
    /** In the journal's export format; a text with control characters with its length before it. */
    public byte[] exported() {
      long micros = TimeUnit.SECONDS.toMicros(at.getEpochSecond()) + at.getNano() / 1_000;
      String head =
          "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n_HOSTNAME=web1\n"
                  .formatted(micros, TimeUnit.SECONDS.toMicros(9 + pid), BOOT)
              + "SYSLOG_IDENTIFIER=%s\n_PID=%d\n_SYSTEMD_UNIT=%s\nMESSAGE"
                  .formatted(identifier, pid, unit);
      byte[] text = message.getBytes(StandardCharsets.UTF_8);
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.writeBytes(head.getBytes(StandardCharsets.UTF_8));
      if (message.chars().noneMatch(c -> c < ' ')) {
        out.write('=');
        out.writeBytes(text);
      } else {
        out.write('\n');
        out.writeBytes(
            ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(text.length)
                .array());
        out.writeBytes(text);
      }
      out.writeBytes("\n\n".getBytes(StandardCharsets.UTF_8));
      return out.toByteArray();
    }
  }

  /** Writes entries, and returns when they are in the files. */
  public void append(Entry... entries) {
    try {
      Process writer =
          new ProcessBuilder(
                  Programs.path("systemd-journal-remote").toString(),
                  "-o",
                  directory.resolve("system.journal").toString(),
                  "-")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      try (OutputStream out = writer.getOutputStream()) {
        for (Entry entry : entries) {
          out.write(entry.exported());
        }
      }
      if (writer.waitFor() != 0) {
        throw new IllegalStateException("systemd-journal-remote failed: " + writer.exitValue());
      }
    } catch (IOException e) {
      throw new IllegalStateException("the journal cannot be written", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the journal was written", e);
    }
  }
}
