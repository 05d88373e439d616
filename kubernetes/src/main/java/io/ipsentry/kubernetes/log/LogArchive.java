package io.ipsentry.kubernetes.log;

import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * Events that are compacted away, compressed, for those who ask what was. Followers do not load
 * them. Safe for any thread.
 */
final class LogArchive {
  /** Most bytes of events in an archive, before they are compressed. */
  private static final int MAX_BYTES = 2 * 1024 * 1024;

  private static final String EVENTS = "events.jsonl.gz";

  private final ConfigMaps api;
  private final LogNames names;
  private final Limits limits;
  private final InstantSource clock;

  /**
   * How much is kept; the oldest go first.
   *
   * @param age of the newest event of an archive
   * @param bytes of all archives, compressed
   */
  record Limits(Duration age, long bytes) {
    static final Limits DEFAULT = new Limits(Duration.ofDays(30), 32L * 1024 * 1024);
  }

  LogArchive(ConfigMaps api, LogNames names, Limits limits, InstantSource clock) {
    this.api = api;
    this.names = names;
    this.limits = limits;
    this.clock = clock;
  }

  /** Adds the events of entries that are not in it yet. */
  void add(List<LogEntry> entries) {
    long known = list().stream().mapToLong(map -> number(map, "last")).max().orElse(0);
    List<LogEntry> batch = new ArrayList<>();
    long bytes = 0;
    for (LogEntry entry : entries) {
      if (entry.last() <= known) {
        continue;
      }
      if (!batch.isEmpty() && bytes + entry.lines().length() > MAX_BYTES) {
        create(batch);
        batch.clear();
        bytes = 0;
      }
      batch.add(entry);
      bytes += entry.lines().length();
    }
    if (!batch.isEmpty()) {
      create(batch);
    }
  }

  private void create(List<LogEntry> batch) {
    ByteArrayOutputStream target = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(target)) {
      for (LogEntry entry : batch) {
        gzip.write(entry.lines().text().getBytes(StandardCharsets.UTF_8));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    byte[] compressed = target.toByteArray();
    if (compressed.length > SnapshotShards.MAX_BYTES && batch.size() > 1) {
      create(List.copyOf(batch.subList(0, batch.size() / 2)));
      create(List.copyOf(batch.subList(batch.size() / 2, batch.size())));
      return;
    }
    long first = batch.getFirst().first();
    long last = batch.getLast().last();
    Map<String, String> data =
        Map.of(
            "first",
            Long.toString(first),
            "last",
            Long.toString(last),
            "archived",
            Long.toString(clock.millis()));
    try {
      StoredConfigMap ignored =
          api.create(
              StoredConfigMap.of(
                  names.history(first, last),
                  names.labels(LogNames.HISTORY),
                  data,
                  Map.of(EVENTS, compressed),
                  true));
    } catch (ApiServerException e) {
      if (e.reason() != Reason.EXISTS) {
        throw e;
      }
    }
  }

  /** Deletes what is too old or too much. */
  void prune() {
    Instant oldest = clock.instant().minus(limits.age());
    long bytes = 0;
    for (StoredConfigMap map : list().reversed()) {
      bytes += map.size();
      if (bytes > limits.bytes() || number(map, "archived") < oldest.toEpochMilli()) {
        api.delete(map);
      }
    }
  }

  /**
   * Events, newest first.
   *
   * @param before only events with a smaller number
   */
  List<List<SequencedEvent>> newestFirst(long before) {
    List<List<SequencedEvent>> batches = new ArrayList<>();
    long bound = before;
    for (StoredConfigMap map : list().reversed()) {
      if (number(map, "first") >= bound) {
        continue;
      }
      List<SequencedEvent> events = new ArrayList<>();
      for (SequencedEvent event : read(map)) {
        if (event.seq() < bound) {
          events.add(event);
        }
      }
      // Two that archived at once may have told the same twice.
      bound = number(map, "first");
      batches.add(events.reversed());
    }
    return batches;
  }

  private static List<SequencedEvent> read(StoredConfigMap map) {
    byte[] compressed = map.binary().getOrDefault(EVENTS, new byte[0]);
    try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(compressed))) {
      String lines = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return new LogEntry(
              0,
              "",
              "",
              1,
              1,
              "",
              "",
              number(map, "first"),
              number(map, "last"),
              EntryLines.of(lines),
              0)
          .events();
    } catch (IOException | LogEntry.InvalidException e) {
      throw BanLogException.permanent(
          "the archive " + map.name() + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** In order of their events. */
  private List<StoredConfigMap> list() {
    return api.list(names.selected(Set.of(LogNames.HISTORY))).items().stream()
        .filter(map -> number(map, "first") >= 1)
        .sorted(Comparator.comparingLong(map -> number(map, "first")))
        .toList();
  }

  private static long number(StoredConfigMap map, String key) {
    try {
      return Long.parseLong(map.text(key));
    } catch (NumberFormatException e) {
      return -1;
    }
  }
}
