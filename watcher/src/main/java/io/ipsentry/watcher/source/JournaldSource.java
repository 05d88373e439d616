package io.ipsentry.watcher.source;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The systemd journal, read by one child process {@code journalctl --output=export --follow}.
 *
 * <p>The program follows the journal's own rotation and vacuuming. When it ends, it is started
 * again after a pause of {@link #FIRST_PAUSE}, doubled each time up to {@link #LONGEST_PAUSE}, and
 * goes on behind the last entry that was delivered, so nothing is lost and nothing doubled. The
 * checkpoint is the cursor of the last entry whose handler returned true. On the first day only
 * entries written since the start are delivered, or all of them. Lines look as {@link
 * JournalEntries} says.
 */
public final class JournaldSource implements LineSource {
  static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /** A child that ran for so long did well: the next pause is the first one again. */
  static final Duration GOOD_RUN = Duration.ofSeconds(60);

  private static final Duration STOP = Duration.ofSeconds(1);
  private static final int MAX_ERROR_CHARS = 500;
  private static final int VERSION = 1;
  private static final JsonFactory JSON = new JsonFactory();
  private static final Logger logger = LoggerFactory.getLogger(JournaldSource.class);

  private final String name;
  private final List<String> command;
  private final FileSource.StartAt startAt;
  private final LineHandlerFactory handlers;
  private final InstantSource clock;
  private final LongSupplier nanoTicker;
  private final RateMeter rate;
  private final JournalEntries entries = new JournalEntries();

  private @Nullable Process child;
  private @Nullable ReadAhead output;
  private @Nullable LineHandler handler;
  private Runnable wakeUp = () -> {};
  private volatile String lastError = "";

  /** Entries before this are not wanted, in microseconds since the epoch. */
  private long sinceMicros;

  /** Of the last entry that was delivered; empty before the first. */
  private String cursor = "";

  /** Of the last entry behind which a restart may begin. */
  private String committed = "";

  private long startedAt;
  private long notBefore;
  private Duration pause = FIRST_PAUSE;
  private boolean closed;
  private String problem = "";
  private long errors;
  private long lines;
  private long bytes;
  private long lastLineAtMillis = -1;
  private volatile SourceStatus status;

  /**
   * Starts nothing before the first poll.
   *
   * @param journalctl the program with options that choose what to read: {@code journalctl}, {@code
   *     --unit=ssh.service}, {@code --directory=…}; several units are read by this one process
   * @param clock for the time of observation, and for what is new on the first day
   */
  public JournaldSource(
      String name,
      Collection<String> journalctl,
      FileSource.StartAt startAt,
      LineHandlerFactory handlers,
      InstantSource clock) {
    this(name, journalctl, startAt, handlers, clock, System::nanoTime);
  }

  JournaldSource(
      String name,
      Collection<String> journalctl,
      FileSource.StartAt startAt,
      LineHandlerFactory handlers,
      InstantSource clock,
      LongSupplier nanoTicker) {
    this.name = name;
    command = List.copyOf(journalctl);
    this.startAt = startAt;
    this.handlers = handlers;
    this.clock = clock;
    this.nanoTicker = nanoTicker;
    rate = new RateMeter(nanoTicker);
    notBefore = nanoTicker.getAsLong();
    status = snapshot();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean poll(int maxBytes) {
    if (child == null && nanoTicker.getAsLong() - notBefore >= 0 && !closed) {
      startChild();
    }
    int used = 0;
    ReadAhead from = output;
    while (from != null && used < maxBytes) {
      ReadAhead.Block block = from.poll();
      if (block == null) {
        break;
      }
      used += Math.max(block.length(), 0);
      take(block);
      from = output;
    }
    status = snapshot();
    return used >= maxBytes;
  }

  // ---- the child process ----

  private void startChild() {
    startedAt = nanoTicker.getAsLong();
    if (sinceMicros == 0 && startAt != FileSource.StartAt.BEGINNING) {
      sinceMicros = TimeUnit.MILLISECONDS.toMicros(clock.millis());
    }
    try {
      Process process = new ProcessBuilder(command()).start();
      process.getOutputStream().close();
      child = process;
      lastError = "";
      Thread.ofVirtual().name("errors of " + name).start(() -> keepErrors(process));
      ReadAhead from = ReadAhead.start("read " + name, process.getInputStream());
      from.onReady(wakeUp);
      output = from;
    } catch (IOException e) {
      failed("cannot be started: " + e.getMessage() + "; is systemd's journalctl installed?");
    }
  }

  private List<String> command() {
    List<String> all = new ArrayList<>(command);
    all.add("--output=export");
    all.add("--output-fields=" + JournalEntries.FIELDS);
    all.add("--follow");
    all.add("--no-tail");
    all.add("--quiet");
    if (!cursor.isEmpty()) {
      all.add("--after-cursor=" + cursor);
    } else if (sinceMicros > 0) {
      // Whole seconds; what is older within that second is left out here.
      all.add("--since=@" + TimeUnit.MICROSECONDS.toSeconds(sinceMicros));
    }
    return all;
  }

  private void keepErrors(Process process) {
    try (BufferedReader errorLines = process.errorReader(StandardCharsets.UTF_8)) {
      char[] some = new char[MAX_ERROR_CHARS];
      int n;
      while ((n = errorLines.read(some)) > 0) {
        lastError = new String(some, 0, n).strip();
      }
    } catch (IOException e) {
      logger.atDebug().addKeyValue("source", name).setCause(e).log("Errors cannot be read");
    }
  }

  private void take(ReadAhead.Block block) {
    if (block.isEnd()) {
      childEnded();
      return;
    }
    ReadAhead from = output;
    long before = lines;
    long now = clock.millis();
    try {
      entries.read(
          block.bytes(), 0, block.length(), (line, at, micros) -> deliver(line, at, micros, now));
      problem = "";
    } catch (JournalFormatException e) {
      stopChild();
      failed(String.valueOf(e.getMessage()));
      return;
    }
    if (from != null) {
      from.recycle(block);
    }
    bytes += block.length();
    if (lines > before) {
      lastLineAtMillis = now;
    }
  }

  private void deliver(ByteText line, ByteText at, long micros, long nowMillis) {
    boolean isOld = cursor.isEmpty() && micros < sinceMicros;
    boolean whole = true;
    if (!isOld && !line.isEmpty()) {
      whole = handler().line(line.bytes(), 0, line.length(), nowMillis);
      lines++;
    }
    if (!isOld) {
      cursor = at.toString();
      committed = whole ? cursor : committed;
    }
  }

  private LineHandler handler() {
    LineHandler open = handler;
    if (open == null) {
      open = handlers.open(new StreamInfo(name, "journal", null));
      handler = open;
    }
    return open;
  }

  private void childEnded() {
    Process process = child;
    stopChild();
    String code = process == null || process.isAlive() ? "" : " with code " + process.exitValue();
    failed(command.getFirst() + " ended" + code + (lastError.isEmpty() ? "" : ": " + lastError));
  }

  private void failed(String what) {
    child = null;
    output = null;
    entries.reset();
    errors++;
    long now = nanoTicker.getAsLong();
    if (now - startedAt >= GOOD_RUN.toNanos()) {
      pause = FIRST_PAUSE;
    }
    notBefore = now + pause.toNanos();
    if (!what.equals(problem)) {
      logger
          .atWarn()
          .addKeyValue("source", name)
          .addKeyValue("cause", what)
          .addKeyValue("retry", pause)
          .log("Journal cannot be read");
    }
    problem = what;
    Duration doubled = pause.multipliedBy(2);
    pause = doubled.compareTo(LONGEST_PAUSE) < 0 ? doubled : LONGEST_PAUSE;
  }

  private void stopChild() {
    ReadAhead from = output;
    Process process = child;
    if (from != null) {
      from.close();
    }
    if (process != null) {
      process.destroy();
      try {
        if (!process.waitFor(STOP)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void onReady(Runnable call) {
    wakeUp = call;
    ReadAhead from = output;
    if (from != null) {
      from.onReady(call);
    }
  }

  @Override
  public void close() {
    closed = true;
    stopChild();
    child = null;
    output = null;
  }

  // ---- state ----

  @Override
  public byte[] checkpoint() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      json.writeNumberField("version", VERSION);
      json.writeStringField("cursor", committed);
      json.writeNumberField("since", sinceMicros);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return out.toByteArray();
  }

  /**
   * Where no position is stored, begins with what was written since then; before the first poll and
   * before {@link #restore}.
   */
  public void since(Instant begin) {
    sinceMicros = TimeUnit.MILLISECONDS.toMicros(begin.toEpochMilli());
  }

  @Override
  public void restore(byte[] checkpoint) {
    String at = "";
    long since = 0;
    int version = 0;
    try (JsonParser json = JSON.createParser(checkpoint)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new CheckpointException(name, "not a JSON object");
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String key = json.currentName();
        json.nextToken();
        switch (key) {
          case "version" -> version = json.getIntValue();
          case "cursor" -> at = json.getText();
          case "since" -> since = json.getLongValue();
          default -> json.skipChildren();
        }
      }
    } catch (IOException e) {
      throw new CheckpointException(name, "not a checkpoint of a journal", e);
    }
    if (version != VERSION) {
      throw new CheckpointException(name, "version " + version);
    }
    cursor = at;
    committed = at;
    sinceMicros = since;
  }

  @Override
  public SourceStatus status() {
    return status;
  }

  private SourceStatus snapshot() {
    LineHandler open = handler;
    Instant last = lastLineAtMillis < 0 ? null : Instant.ofEpochMilli(lastLineAtMillis);
    boolean running = child != null;
    StreamStatus.State state =
        running
            ? StreamStatus.State.FOLLOWING
            : problem.isEmpty() ? StreamStatus.State.WAITING : StreamStatus.State.UNREADABLE;
    StreamStatus stream =
        new StreamStatus(
            "journal",
            state,
            0,
            bytes,
            bytes,
            0,
            lines,
            last,
            open == null ? "" : open.format(),
            running ? lastError : problem);
    return new SourceStatus(
        name,
        "journal",
        lines,
        bytes,
        rate.update(lines),
        0,
        last,
        errors,
        running || problem.isEmpty() ? List.of() : List.of(problem),
        List.of(stream));
  }
}
