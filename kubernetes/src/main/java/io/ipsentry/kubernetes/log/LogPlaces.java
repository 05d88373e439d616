package io.ipsentry.kubernetes.log;

import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Which entry is at which place, and what of that has to be mended in the store.
 *
 * <p>Somebody may delete an entry that no snapshot has, and then a writer who has not read it finds
 * its place free. The right one is that which was created first ({@link LogEntry#since}): all who
 * watched saw it, and the writer of the other one sees it before he sees his own. So whoever knows
 * it puts it back, with its time, and removes what has taken its place. Guarded by its replica.
 */
final class LogPlaces {
  private final TreeMap<Long, LogEntry> known = new TreeMap<>();
  private final TreeMap<Long, Mend> mends = new TreeMap<>();

  /**
   * What to do for a place.
   *
   * @param entry that belongs there; one that is not valid is not put back
   * @param intruder that is there; empty: none
   */
  record Mend(LogEntry entry, Optional<StoredConfigMap> intruder) {}

  /** What another entry at a known place is. */
  enum Other {
    /** It is the known one. */
    SAME,
    /** It came later and counts for nothing. */
    LATER,
    /** It came first: what was known is wrong. */
    EARLIER
  }

  void put(LogEntry entry) {
    known.put(entry.index(), entry);
  }

  /** Knows these in place of those known so far; what is to be mended stays. */
  void become(Collection<LogEntry> entries) {
    known.clear();
    entries.forEach(this::put);
  }

  /** Keeps the same entry in another form, if it is still known. */
  void replace(LogEntry entry, LogEntry by) {
    boolean ignored = known.replace(entry.index(), entry, by);
  }

  Optional<LogEntry> get(long index) {
    return Optional.ofNullable(known.get(index));
  }

  /** Known ones of indices from a bound on. */
  List<LogEntry> from(long index) {
    return List.copyOf(known.tailMap(index, true).values());
  }

  void forgetBelow(long index) {
    known.headMap(index, false).clear();
    mends.headMap(index, false).clear();
  }

  void forgetFrom(long index) {
    known.tailMap(index, true).clear();
    mends.tailMap(index, true).clear();
  }

  /** Compares what is there with what is known to belong there. */
  Other compare(LogEntry there) {
    LogEntry entry = known.get(there.index());
    if (entry == null || entry.identity().equals(there.identity())) {
      return Other.SAME;
    }
    return there.since() < entry.since() ? Other.EARLIER : Other.LATER;
  }

  /** What belongs to a place is gone from there. */
  void missing(LogEntry entry) {
    if (entry.isValid()) {
      mends.put(entry.index(), new Mend(entry, Optional.empty()));
    }
  }

  /** Another one is at a place, and came later. */
  void taken(long index, StoredConfigMap intruder) {
    LogEntry entry = known.get(index);
    if (entry != null) {
      mends.put(index, new Mend(entry, Optional.of(intruder)));
    }
  }

  /** The right one is there. */
  void isThere(long index) {
    mends.remove(index);
  }

  List<Mend> mendsFrom(long index) {
    return new ArrayList<>(mends.tailMap(index, true).values());
  }

  /** A mend was tried, and needs no other try unless something is seen again. */
  void tried(Mend mend) {
    mends.remove(mend.entry().index(), mend);
  }

  /** The last known below a bound. */
  Optional<LogEntry> before(long index) {
    return Optional.ofNullable(known.lowerEntry(index)).map(Map.Entry::getValue);
  }
}
