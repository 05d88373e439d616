package io.ipsentry.kubernetes.log;

import io.ipsentry.banlog.BanLogException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Puts entries together in the order of their indices, and decides which of them count: those of a
 * batch whose parts follow each other, whose first event is the next one, and whose writer saw the
 * entry before. All others are void. Every reader comes to the same, for it depends on the entries
 * alone. Confined to one thread.
 */
final class LogOrder {
  private final List<LogEntry> committed = new ArrayList<>();
  private final List<LogEntry> unfinished = new ArrayList<>();
  private long index;
  private String identity;
  private long head;

  /**
   * @param index of the last entry
   * @param identity of the last entry
   * @param head number of the last event that counts
   * @param unfinished parts of a batch whose last is not there
   */
  LogOrder(long index, String identity, long head, List<LogEntry> unfinished) {
    this.index = index;
    this.identity = identity;
    this.head = head;
    this.unfinished.addAll(unfinished);
  }

  /**
   * What of a listing may be used: all from the floor on, and below it those that are the very
   * entries which the snapshot has taken in, told by the chain of identities.
   */
  static NavigableMap<Long, LogEntry> usable(
      Manifest manifest, NavigableMap<Long, LogEntry> found) {
    TreeMap<Long, LogEntry> usable = new TreeMap<>(found.tailMap(manifest.floor(), true));
    String identity = manifest.chain();
    long next = manifest.floor() - 1;
    for (Map.Entry<Long, LogEntry> below :
        found.headMap(manifest.floor(), false).descendingMap().entrySet()) {
      LogEntry entry = below.getValue();
      if (entry.index() != next || !entry.identity().equals(identity)) {
        break;
      }
      usable.put(next, entry);
      identity = entry.previous();
      next--;
    }
    return usable;
  }

  /**
   * Whether no entry is missing behind the floor. Where the log begins with its first entry, that
   * says whose log it is.
   */
  static boolean isWhole(Manifest manifest, NavigableMap<Long, LogEntry> found) {
    long next = manifest.floor();
    boolean first = manifest.floor() == 1;
    for (LogEntry entry : found.tailMap(manifest.floor(), true).values()) {
      boolean other = first && !entry.log().equals(manifest.log());
      if (entry.isValid() && (entry.index() != next || other)) {
        return false;
      }
      first = first && !entry.isValid();
      next = entry.index() == next ? next + 1 : next;
    }
    return true;
  }

  /** Where the entries that can be used begin. */
  static LogOrder beginning(Manifest manifest, NavigableMap<Long, LogEntry> usable) {
    // Parts of a batch that began further below are in the snapshot as well.
    while (!usable.isEmpty()
        && usable.firstKey() < manifest.floor()
        && usable.firstEntry().getValue().part() != 1) {
      usable.pollFirstEntry();
    }
    if (usable.isEmpty() || usable.firstKey() >= manifest.floor()) {
      return new LogOrder(
          manifest.floor() - 1, manifest.chain(), manifest.current().seq(), List.of());
    }
    LogEntry first = usable.firstEntry().getValue();
    return new LogOrder(first.index() - 1, first.previous(), first.first() - 1, List.of());
  }

  /**
   * Takes the next entry.
   *
   * @throws BanLogException if the one before it is missing
   */
  void add(LogEntry entry) {
    if (entry.index() != index + 1) {
      if (!entry.isValid()) {
        return;
      }
      throw BanLogException.transientFailure(
          "entry "
              + (index + 1)
              + " of the ban log is missing and no snapshot has it; somebody deleted it. A process"
              + " that has read it writes a snapshot soon");
    }
    boolean follows = entry.isValid() && entry.previous().equals(identity);
    index = entry.index();
    identity = entry.identity();
    if (!unfinished.isEmpty() && !(follows && entry.continues(unfinished.getLast()))) {
      unfinished.clear();
    }
    boolean begins = entry.part() == 1 && entry.first() == head + 1;
    if (!follows || unfinished.isEmpty() && !begins) {
      return;
    }
    unfinished.add(entry);
    if (entry.isLastPart()) {
      committed.addAll(unfinished);
      unfinished.clear();
      head = entry.last();
    }
  }

  List<LogEntry> committed() {
    return committed;
  }

  List<LogEntry> unfinished() {
    return unfinished;
  }

  long index() {
    return index;
  }

  String identity() {
    return identity;
  }

  long head() {
    return head;
  }
}
