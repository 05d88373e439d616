package io.ipsentry.watcher.source;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.ipsentry.kubernetes.pods.PodContainer;
import io.ipsentry.kubernetes.pods.PodLogs;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Containers of pods, whose logs come through the API server.
 *
 * <p>Pods come and go; each container has a {@link PodStream}, which is read to its end. Lines are
 * handed on as a CRI runtime writes them, {@code STAMP stdout F LINE}, so that the stamp of the
 * runtime is their time. Of the lines that are there, the earliest goes first, and a stream that is
 * behind holds up the others a little: so lines that are read again at a takeover come about in the
 * order in which they were written, whichever node they are from.
 *
 * <p>The checkpoint is which lines of the newest seconds of each container were delivered. A
 * container that it does not know, and every one without it, is read from the beginning that was
 * given on.
 */
public final class PodSource implements LineSource {
  /** Most containers that are read at once; further ones are said and not read. */
  public static final int MAX_STREAMS = 250;

  /** Streams that have given nothing yet hold up the others for so long after the first listing. */
  private static final Duration FIRST_HOLD = Duration.ofSeconds(2);

  /** Lines may be so much out of order: half of what windows count exactly. */
  private static final Duration TOLERANCE = Duration.ofSeconds(5);

  private static final Duration STATUS_INTERVAL = Duration.ofMillis(250);
  private static final int VERSION = 1;
  private static final JsonFactory JSON = new JsonFactory();
  private static final Logger logger = LoggerFactory.getLogger(PodSource.class);

  private final String name;
  private final PodLogs logs;
  private final PodStream.Shared shared;
  private final LongSupplier nanoTicker;
  private final RateMeter rate;
  private final Map<PodContainer.Key, PodStream> streams = new TreeMap<>();
  private final Map<PodContainer.Key, SeenLines> restored = new TreeMap<>();
  private PodLogs.Selected selected = new PodLogs.Selected(false, List.of(), "");
  private volatile Runnable wakeUp = () -> {};
  private long listedAt;
  private int notRead;

  /** For containers that were not read before. */
  private boolean hasRoom;

  private PodNumbers ended = new PodNumbers(0, 0, 0, 0, 0, 0, 0, 0, List.of());
  private long endedLines;
  private long endedBytes;
  private long endedFailures;
  private long lastLineAtMillis = -1;
  private long statusAt;
  private volatile SourceStatus status;

  /**
   * Asks for no log before the first poll.
   *
   * @param logs closed with this
   * @param begin earlier lines are not wanted
   * @param clock for the time of observation
   */
  public PodSource(
      String name, PodLogs logs, Instant begin, LineHandlerFactory handlers, InstantSource clock) {
    this(name, logs, begin, handlers, clock, System::nanoTime);
  }

  PodSource(
      String name,
      PodLogs logs,
      Instant begin,
      LineHandlerFactory handlers,
      InstantSource clock,
      LongSupplier nanoTicker) {
    this.name = name;
    this.logs = logs;
    this.nanoTicker = nanoTicker;
    shared =
        new PodStream.Shared(
            logs,
            handlers,
            clock,
            nanoTicker,
            TimeUnit.MILLISECONDS.toMicros(begin.toEpochMilli()),
            () -> wakeUp.run());
    rate = new RateMeter(nanoTicker);
    statusAt = nanoTicker.getAsLong();
    status = snapshot();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean poll(int maxBytes) {
    take(logs.selected());
    int used = 0;
    boolean held = false;
    while (used < maxBytes && !held) {
      int before = used;
      used += deliverEarliest(maxBytes - used);
      held = used == before;
    }
    removeFinished();
    if (nanoTicker.getAsLong() - statusAt >= 0) {
      statusAt = nanoTicker.getAsLong() + STATUS_INTERVAL.toNanos();
      status = snapshot();
    }
    return !held;
  }

  /** Delivers of the stream that has the earliest line, until another has; returns the bytes. */
  private int deliverEarliest(int maxBytes) {
    PodStream earliest = null;
    long until = Long.MAX_VALUE;
    boolean first = nanoTicker.getAsLong() - listedAt < FIRST_HOLD.toNanos();
    long tolerance = TimeUnit.NANOSECONDS.toMicros(TOLERANCE.toNanos());
    for (PodStream stream : streams.values()) {
      if (!stream.hasLine()) {
        until = Math.min(until, stream.holdsUntil(first, tolerance));
      } else if (earliest == null || stream.headMicros() < earliest.headMicros()) {
        until = earliest == null ? until : Math.min(until, earliest.headMicros());
        earliest = stream;
      } else {
        until = Math.min(until, stream.headMicros());
      }
    }
    int used = 0;
    while (earliest != null
        && used < maxBytes
        && earliest.hasLine()
        && earliest.headMicros() <= until) {
      used += earliest.deliver();
    }
    return used;
  }

  // ---- which containers

  private void take(PodLogs.Selected now) {
    if (now.equals(selected) && !hasRoom) {
      return;
    }
    hasRoom = false;
    if (now.listed() && !selected.listed()) {
      listedAt = nanoTicker.getAsLong();
      logger
          .atInfo()
          .addKeyValue("source", name)
          .addKeyValue("containers", now.containers().size())
          .log("pods were listed");
    }
    selected = now;
    if (!now.listed()) {
      return;
    }
    Map<PodContainer.Key, PodContainer> wanted = new TreeMap<>();
    now.containers().forEach(container -> wanted.put(container.key(), container));
    streams.forEach((key, stream) -> {
      PodContainer container = wanted.remove(key);
      if (container == null) {
        stream.gone();
      } else {
        stream.known(container);
      }
    });
    int before = notRead;
    notRead = 0;
    for (PodContainer container : wanted.values()) {
      if (streams.size() < MAX_STREAMS) {
        streams.put(container.key(), open(container));
      } else {
        notRead++;
      }
    }
    if (notRead > 0 && before == 0) {
      logger
          .atWarn()
          .addKeyValue("source", name)
          .addKeyValue("containers", notRead)
          .addKeyValue("limit", MAX_STREAMS)
          .log("more containers are selected than are read; make the selector narrower");
    }
  }

  private PodStream open(PodContainer container) {
    SeenLines seen = restored.remove(container.key());
    return new PodStream(name, container, seen == null ? new SeenLines() : seen, shared);
  }

  private void removeFinished() {
    boolean removed = false;
    for (Iterator<PodStream> each = streams.values().iterator(); each.hasNext(); ) {
      PodStream stream = each.next();
      if (stream.isFinished()) {
        ended = sum(ended, stream);
        endedLines += stream.lines();
        endedBytes += stream.bytes();
        endedFailures += stream.trouble().failures();
        lastLineAtMillis = Math.max(lastLineAtMillis, stream.lastLineAtMillis());
        each.remove();
        removed = true;
      }
    }
    hasRoom |= removed && notRead > 0;
  }

  private static PodNumbers sum(PodNumbers sum, PodStream stream) {
    return new PodNumbers(
        sum.containers(),
        sum.streams() + (stream.isOpen() ? 1 : 0),
        sum.reconnects() + stream.reconnects(),
        sum.repeatedLines() + stream.repeated(),
        sum.gaps() + stream.trouble().gaps(),
        sum.unreadLines() + stream.unread(),
        sum.notRead(),
        Math.max(sum.lagMillis(), stream.isFinished() ? 0 : stream.lagMillis()),
        List.of());
  }

  @Override
  public void onReady(Runnable call) {
    wakeUp = call;
    logs.onChange(call);
  }

  @Override
  public void close() {
    streams.values().forEach(PodStream::close);
    logs.close();
  }

  // ---- state

  @Override
  public byte[] checkpoint() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      json.writeNumberField("version", VERSION);
      json.writeArrayFieldStart("containers");
      for (Map.Entry<PodContainer.Key, SeenLines> each : restored.entrySet()) {
        write(json, each.getKey(), each.getValue());
      }
      for (Map.Entry<PodContainer.Key, PodStream> each : streams.entrySet()) {
        write(json, each.getKey(), each.getValue().seen());
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return out.toByteArray();
  }

  private static void write(JsonGenerator json, PodContainer.Key key, SeenLines seen)
      throws IOException {
    if (!seen.isEmpty()) {
      json.writeStartObject();
      json.writeStringField("pod", key.pod());
      json.writeStringField("container", key.container());
      seen.write(json);
      json.writeEndObject();
    }
  }

  @Override
  public void restore(byte[] checkpoint) {
    Map<PodContainer.Key, SeenLines> found = new TreeMap<>();
    int version = 0;
    try (JsonParser json = JSON.createParser(checkpoint)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new CheckpointException(name, "not a JSON object");
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String key = json.currentName();
        JsonToken value = json.nextToken();
        if (key.equals("version")) {
          version = json.getIntValue();
        } else if (key.equals("containers") && value == JsonToken.START_ARRAY) {
          while (json.nextToken() == JsonToken.START_OBJECT) {
            container(json, found);
          }
        } else {
          json.skipChildren();
        }
      }
    } catch (IOException e) {
      throw new CheckpointException(name, "not a checkpoint of pods", e);
    }
    if (version != VERSION) {
      throw new CheckpointException(name, "version " + version);
    }
    restored.clear();
    restored.putAll(found);
  }

  private void container(JsonParser json, Map<PodContainer.Key, SeenLines> found)
      throws IOException {
    String pod = "";
    String container = "";
    long newest = 0;
    long last = 0;
    byte[] lines = {};
    byte[] before = {};
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      json.nextToken();
      switch (key) {
        case "pod" -> pod = json.getText();
        case "container" -> container = json.getText();
        case "newest" -> newest = json.getLongValue();
        case "last" -> last = json.getLongValue();
        case "lines" -> lines = json.getBinaryValue();
        case "before" -> before = json.getBinaryValue();
        default -> json.skipChildren();
      }
    }
    SeenLines seen = new SeenLines();
    if (!seen.restore(newest, last, lines, before)) {
      throw new CheckpointException(name, "the lines of " + pod + " are damaged");
    }
    found.put(new PodContainer.Key(pod, container), seen);
  }

  @Override
  public SourceStatus status() {
    return status;
  }

  private SourceStatus snapshot() {
    PodNumbers numbers = ended;
    long lines = endedLines;
    long bytes = endedBytes;
    long failures = endedFailures;
    long lag = 0;
    long lastAt = lastLineAtMillis;
    List<StreamStatus> each = new ArrayList<>();
    List<PodNumbers.OfContainer> ofEach = new ArrayList<>();
    Optional<String> refused = Optional.empty();
    for (PodStream stream : streams.values()) {
      numbers = sum(numbers, stream);
      lines += stream.lines();
      bytes += stream.bytes();
      failures += stream.trouble().failures();
      lag += stream.lagBytes();
      lastAt = Math.max(lastAt, stream.lastLineAtMillis());
      StreamStatus one = stream.status();
      each.add(one);
      ofEach.add(
          new PodNumbers.OfContainer(
              one.label(), stream.lines(), stream.reconnects(), stream.lagMillis()));
      if (stream.trouble().isForbidden()) {
        refused = Optional.of(stream.trouble().problem());
      }
    }
    List<String> problems = new ArrayList<>();
    if (!selected.problem().isEmpty()) {
      problems.add(selected.problem());
    } else if (!selected.listed()) {
      problems.add("the pods were not listed yet");
    }
    refused.ifPresent(problems::add);
    if (notRead > 0) {
      problems.add(
          notRead + " containers more are selected than the " + MAX_STREAMS + " that are read");
    }
    @Nullable Instant last = lastAt < 0 ? null : Instant.ofEpochMilli(lastAt);
    return new SourceStatus(
        name,
        "pods",
        lines,
        bytes,
        rate.update(lines),
        lag,
        last,
        failures,
        problems,
        each,
        Optional.of(
            new PodNumbers(
                selected.containers().size(),
                numbers.streams(),
                numbers.reconnects(),
                numbers.repeatedLines(),
                numbers.gaps(),
                numbers.unreadLines(),
                notRead,
                numbers.lagMillis(),
                ofEach)));
  }
}
