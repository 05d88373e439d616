package io.ipsentry.kubernetes.log;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Entries whose batch is whole, in their order: those behind the snapshot, and before them what it
 * covers, as long as that is kept. Guarded by its replica.
 */
final class CommittedEntries {
  /** News must not wait long for what is compressed. */
  private static final int COMPRESSED_AT_ONCE = 4;

  /** By the number of their first event. */
  private final TreeMap<Long, LogEntry> entries = new TreeMap<>();

  /** First event of the last entry that {@link #worthCompressing} has looked at. */
  private long compressedUpTo;

  void add(LogEntry entry) {
    entries.put(entry.first(), entry);
  }

  /** Holds these in place of those it held. */
  void become(List<LogEntry> others) {
    entries.clear();
    compressedUpTo = 0;
    others.forEach(this::add);
  }

  /** Holds the same entry in another form; false: it was forgotten meanwhile. */
  boolean replace(LogEntry entry, LogEntry by) {
    return entries.replace(entry.first(), entry, by);
  }

  Optional<LogEntry> first() {
    return Optional.ofNullable(entries.firstEntry()).map(Map.Entry::getValue);
  }

  Optional<LogEntry> last() {
    return Optional.ofNullable(entries.lastEntry()).map(Map.Entry::getValue);
  }

  /** Those that hold events from a number on. */
  List<LogEntry> from(long seq) {
    Long start = entries.floorKey(seq);
    NavigableMap<Long, LogEntry> from = start == null ? entries : entries.tailMap(start, true);
    return List.copyOf(from.values());
  }

  /** Those of indices below a bound. */
  List<LogEntry> below(long index) {
    return entries.values().stream().filter(entry -> entry.index() < index).toList();
  }

  /** The one whose last event has a number; empty: there is none. */
  Optional<LogEntry> endingAt(long seq) {
    return Optional.ofNullable(entries.floorEntry(seq))
        .map(Map.Entry::getValue)
        .filter(entry -> entry.last() == seq);
  }

  /** Whether it holds this very entry, in whatever form. */
  boolean holds(LogEntry entry) {
    LogEntry known = entries.get(entry.first());
    return known != null
        && known.index() == entry.index()
        && known.identity().equals(entry.identity());
  }

  /** How much lies at indices from a floor on. */
  KubernetesBanLog.Backlog backlog(long floor) {
    long count = 0;
    long bytes = 0;
    for (LogEntry entry : entries.descendingMap().values()) {
      if (entry.index() < floor) {
        break;
      }
      count++;
      bytes += entry.lines().length();
    }
    return new KubernetesBanLog.Backlog(count, bytes);
  }

  /** A few of those below a floor that were not looked at before, and take much memory. */
  List<LogEntry> worthCompressing(long floor) {
    List<LogEntry> found = new ArrayList<>();
    for (LogEntry entry : entries.tailMap(compressedUpTo, false).values()) {
      if (entry.index() >= floor || found.size() == COMPRESSED_AT_ONCE) {
        break;
      }
      compressedUpTo = entry.first();
      if (entry.lines().isWorthCompressing()) {
        found.add(entry);
      }
    }
    return found;
  }

  /** Forgets from the first on; the last that is forgotten, null: none is. */
  @Nullable LogEntry forgetWhile(Predicate<LogEntry> forgotten) {
    LogEntry last = null;
    while (!entries.isEmpty() && forgotten.test(entries.firstEntry().getValue())) {
      last = entries.pollFirstEntry().getValue();
    }
    return last;
  }
}
