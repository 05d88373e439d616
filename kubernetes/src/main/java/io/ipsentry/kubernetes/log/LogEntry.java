package io.ipsentry.kubernetes.log;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.InvalidEventException;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One ConfigMap of the log: the events of one append, or a part of them where they are too large
 * for one. A batch counts when its last part is there; a batch whose next part is another's is
 * void.
 *
 * @param index place in the log, from 1 without gaps
 * @param log id of the log
 * @param batch unique id of the append, the same in all its parts
 * @param part of the batch, from 1
 * @param parts of the batch
 * @param previous {@link #identity} of the entry before; empty for the first
 * @param writer who wrote it, for people
 * @param first number of its first event
 * @param last number of its last event
 * @param lines its events; empty: what is there is no valid entry, and counts for nothing
 * @param since version of the API server's store at which it was created first, which a copy that
 *     was put back tells too; 0: not created yet
 */
record LogEntry(
    long index,
    String log,
    String batch,
    int part,
    int parts,
    String previous,
    String writer,
    long first,
    long last,
    EntryLines lines,
    long since) {
  /** Most bytes of events in an entry. */
  static final int MAX_BYTES = 256 * 1024;

  private static final String EVENTS = "events.jsonl";

  /** Under which a copy tells since when there is the original. */
  private static final String SINCE = "since";

  private static final String INVALID = "invalid-";

  /** What is under its name is no entry of this log. */
  static final class InvalidException extends Exception {
    private static final long serialVersionUID = 1L;

    InvalidException(String message) {
      super(message);
    }
  }

  /** The place after which a batch is to be written. */
  record Tail(long index, String identity, long head) {}

  /** Stands for something under the name of an entry that is none. */
  static LogEntry invalid(long index, StoredConfigMap map) {
    return invalid(index, INVALID + map.uid(), version(map));
  }

  private static LogEntry invalid(long index, String batch, long since) {
    return new LogEntry(index, "", batch, 0, 0, "", "", 0, 0, EntryLines.NONE, since);
  }

  /** What was before this one, if that was no entry: it may be gone without harm. */
  Optional<LogEntry> invalidBefore() {
    return previous.startsWith(INVALID)
        ? Optional.of(invalid(index - 1, previous.substring(0, previous.lastIndexOf('/')), 0))
        : Optional.empty();
  }

  private static long version(StoredConfigMap map) {
    return Long.parseLong(map.version());
  }

  boolean isValid() {
    return !lines.isEmpty();
  }

  /** The same with its events compressed, for one that is seldom read. */
  LogEntry compressed() {
    return new LogEntry(
        index, log, batch, part, parts, previous, writer, first, last, lines.compressed(), since);
  }

  /** Tells it from every other entry, also of the same index. */
  String identity() {
    return batch + '/' + part;
  }

  boolean isLastPart() {
    return part == parts;
  }

  /** Whether it goes on where another part of the same batch ends. */
  boolean continues(LogEntry before) {
    return batch.equals(before.batch)
        && parts == before.parts
        && part == before.part + 1
        && first == before.last + 1;
  }

  /**
   * A batch as entries.
   *
   * @param events at least one
   */
  static List<LogEntry> of(
      Tail tail, String log, String batch, String writer, List<BanEvent> events) {
    List<String> pieces = new ArrayList<>();
    List<Long> lasts = new ArrayList<>();
    ByteArrayOutputStream piece = new ByteArrayOutputStream();
    long seq = tail.head();
    for (BanEvent event : events) {
      byte[] line = BanEventJson.toBytes(new SequencedEvent(seq + 1, event));
      if (piece.size() > 0 && piece.size() + line.length + 1 > MAX_BYTES) {
        pieces.add(piece.toString(StandardCharsets.UTF_8));
        lasts.add(seq);
        piece.reset();
      }
      piece.writeBytes(line);
      piece.write('\n');
      seq++;
    }
    pieces.add(piece.toString(StandardCharsets.UTF_8));
    lasts.add(seq);
    List<LogEntry> entries = new ArrayList<>();
    String previous = tail.identity();
    long first = tail.head() + 1;
    for (int i = 0; i < pieces.size(); i++) {
      LogEntry entry =
          new LogEntry(
              tail.index() + 1 + i,
              log,
              batch,
              i + 1,
              pieces.size(),
              previous,
              writer,
              first,
              lasts.get(i),
              EntryLines.of(pieces.get(i)),
              0);
      entries.add(entry);
      previous = entry.identity();
      first = lasts.get(i) + 1;
    }
    return entries;
  }

  StoredConfigMap toConfigMap(LogNames names) {
    Map<String, String> data = new HashMap<>();
    data.put(EVENTS, lines.text());
    data.put("first", Long.toString(first));
    data.put("last", Long.toString(last));
    data.put("batch", batch);
    data.put("part", part + "/" + parts);
    data.put("previous", previous);
    data.put("log", log);
    data.put("writer", writer);
    if (since > 0) {
      data.put(SINCE, Long.toString(since));
    }
    return StoredConfigMap.of(
        names.entry(index), names.labels(LogNames.ENTRY), data, Map.of(), true);
  }

  /**
   * Reads an entry; its events only as far as they are counted.
   *
   * @throws InvalidException if it is none
   */
  static LogEntry read(StoredConfigMap map, LogNames names) throws InvalidException {
    OptionalLong index = names.index(map.name());
    String[] part = map.text("part").split("/", -1);
    if (index.isEmpty() || part.length != 2) {
      throw new InvalidException(map.name() + " is no entry of a ban log");
    }
    try {
      LogEntry entry =
          new LogEntry(
              index.getAsLong(),
              map.text("log"),
              map.text("batch"),
              Integer.parseInt(part[0]),
              Integer.parseInt(part[1]),
              map.text("previous"),
              map.text("writer"),
              Long.parseLong(map.text("first")),
              Long.parseLong(map.text("last")),
              EntryLines.of(map.text(EVENTS)),
              map.text(SINCE).isEmpty() ? version(map) : Long.parseLong(map.text(SINCE)));
      entry.check(map.name());
      return entry;
    } catch (NumberFormatException e) {
      throw new InvalidException(map.name() + ": " + e.getMessage());
    }
  }

  private void check(String name) throws InvalidException {
    boolean inOrder = part >= 1 && part <= parts && first >= 1 && first <= last;
    if (!inOrder || batch.isEmpty() || log.isEmpty()) {
      throw new InvalidException(name + " contradicts itself");
    }
    long count = lines.text().chars().filter(c -> c == '\n').count();
    if (count != last - first + 1) {
      throw new InvalidException(
          name + " has " + count + " events and should have " + (last - first + 1));
    }
  }

  /**
   * Its events.
   *
   * @throws InvalidException if one cannot be read, or has another number than its place says
   */
  List<SequencedEvent> events() throws InvalidException {
    List<SequencedEvent> events = new ArrayList<>((int) (last - first + 1));
    String text = lines.text();
    int from = 0;
    for (int at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      String line = text.substring(from, at);
      try {
        SequencedEvent event = BanEventJson.read(line);
        if (event.seq() != first + events.size()) {
          throw new InvalidException(
              "entry " + index + " says " + event.seq() + " for event " + (first + events.size()));
        }
        events.add(event);
      } catch (InvalidEventException e) {
        throw new InvalidException("entry " + index + ": " + e.getMessage());
      }
      from = at + 1;
    }
    return events;
  }
}
