package io.ipsentry.cli;

import io.ipsentry.authz.verdict.PathHash;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.config.Config;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.watcher.Explain;
import io.ipsentry.watcher.Explain.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The last lines of a log, read as {@code run} would read them. Confined to one thread. */
final class LogSample {
  /** The end of a file that is looked at. */
  static final int MAX_BYTES = 256 * 1024;

  /** Lines that are looked at. */
  static final int MAX_LINES = 1_000;

  private final Map<IpPrefix, Integer> clients = new HashMap<>();
  private final List<LoggedRequest> requests = new ArrayList<>();
  private String format = "";
  private @Nullable Instant lastTime;
  private int lines;
  private int missed;
  private int protectedLines;
  private int withUserAgent;
  private long disbelieved;

  /**
   * Reads the end of a file.
   *
   * @param reference tells the year of stamps that have none
   */
  static LogSample read(
      Path file,
      Config config,
      SourceConfig source,
      ProtectedPrefixes protection,
      Instant reference)
      throws IOException {
    return of(lastLines(file), config, source, protection, reference);
  }

  /** Lines that were read elsewhere; as {@link #read}. */
  static LogSample of(
      List<String> lines,
      Config config,
      SourceConfig source,
      ProtectedPrefixes protection,
      Instant reference) {
    LogSample sample = new LogSample();
    ZoneId zone = source.timeZone() == null ? ZoneId.systemDefault() : source.timeZone();
    Explain explain =
        new Explain(config, source, zone, () -> reference, name -> sample.format = name);
    for (String text : lines) {
      sample.add(explain.line(text), protection);
    }
    sample.format = sample.lines > sample.missed ? explain.format() : "";
    sample.disbelieved = explain.disbelieved();
    return sample;
  }

  private static List<String> lastLines(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      long from = Math.max(0, channel.size() - MAX_BYTES);
      ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(MAX_BYTES, channel.size() - from));
      while (bytes.hasRemaining() && channel.read(bytes, from + bytes.position()) >= 0) {
        // Reads on; a file that was cut meanwhile just gives less.
      }
      String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
      List<String> lines = text.lines().toList();
      // The first may have been cut in two.
      int first = from > 0 && lines.size() > 1 ? 1 : 0;
      return lines.subList(Math.max(first, lines.size() - MAX_LINES), lines.size());
    }
  }

  private void add(Explain.Line line, ProtectedPrefixes protection) {
    if (line.kind() == Kind.EMPTY) {
      return;
    }
    lines++;
    if (line.kind() == Kind.MISSED) {
      missed++;
      return;
    }
    if (!line.fields().getOrDefault("userAgent", "-").equals("-")) {
      withUserAgent++;
    }
    lastTime = line.time() == null ? lastTime : line.time();
    IpPrefix client = line.client();
    String target = line.fields().get("target");
    if (target != null) {
      requests.add(
          new LoggedRequest(
              Optional.ofNullable(line.time()), PathHash.of(target), Optional.ofNullable(client)));
    }
    if (client != null) {
      clients.merge(client, 1, Integer::sum);
      if (protection.protects(client).isPresent()) {
        protectedLines++;
      }
    }
  }

  /** Of the lines that were understood; empty if none was. */
  String format() {
    return format;
  }

  /** Lines that are not empty. */
  int lines() {
    return lines;
  }

  /** Lines that are not of the format. */
  int missed() {
    return missed;
  }

  /** Lines with a client address. */
  int withClient() {
    return clients.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** Lines that tell the client's program. */
  int withUserAgent() {
    return withUserAgent;
  }

  /** Lines whose client can never be banned. */
  int protectedLines() {
    return protectedLines;
  }

  /** Lines whose forwarded address was not believed. */
  long disbelieved() {
    return disbelieved;
  }

  /** Event time of the last line that has one. */
  Optional<Instant> lastTime() {
    return Optional.ofNullable(lastTime);
  }

  /** The requests that the lines tell of, in their order. */
  List<LoggedRequest> requests() {
    return List.copyOf(requests);
  }

  /** The client that most lines come from. */
  Optional<Map.Entry<IpPrefix, Integer>> mostFrequent() {
    return clients.entrySet().stream().max(Map.Entry.comparingByValue());
  }
}
