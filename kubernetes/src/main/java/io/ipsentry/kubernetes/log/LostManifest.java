package io.ipsentry.kubernetes.log;

import io.ipsentry.banlog.BanLogException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import io.ipsentry.kubernetes.log.Manifest.Snapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the manifest of a log that has none: of a new one, or of one whose manifest was deleted.
 * Numbers never start anew.
 */
final class LostManifest {
  private static final Logger logger = LoggerFactory.getLogger(LostManifest.class);

  private final ConfigMaps api;
  private final LogNames names;
  private final Supplier<String> ids;

  LostManifest(ConfigMaps api, LogNames names, Supplier<String> ids) {
    this.api = api;
    this.names = names;
    this.ids = ids;
  }

  /** The manifest that a ConfigMap is; empty: it is damaged. */
  static Optional<Manifest> readable(StoredConfigMap map) {
    try {
      return Optional.of(Manifest.read(map));
    } catch (LogEntry.InvalidException e) {
      logger
          .atError()
          .addKeyValue("cause", e.getMessage())
          .log("the manifest of the ban log is damaged; it is made anew");
      return Optional.empty();
    }
  }

  /**
   * Makes the manifest anew from what is there: it is missing or damaged, or a writer of long ago
   * has put an old one in its place after somebody had deleted it.
   *
   * @param stored as it is; empty: missing
   * @param listed what it says; empty: nothing that can be read
   * @param found entries
   * @return whether there is hope that the log is whole now
   */
  boolean repair(
      Optional<StoredConfigMap> stored,
      Optional<Manifest> listed,
      NavigableMap<Long, LogEntry> found) {
    Manifest made = find(found);
    boolean better =
        listed.isEmpty()
            || made.floor() > listed.get().floor()
            || !made.log().equals(listed.get().log());
    if (!better) {
      return false;
    }
    try {
      StoredConfigMap ignored =
          stored.isEmpty()
              ? api.create(made.toConfigMap(names))
              : api.replace(stored.get().withData(made.data()));
    } catch (ApiServerException e) {
      if (e.reason() != Reason.EXISTS && e.reason() != Reason.CONFLICT) {
        throw e;
      }
    }
    return true;
  }

  /**
   * The manifest to create.
   *
   * @param entries that are there
   * @throws BanLogException if entries are there and their beginning is lost, transient: whoever
   *     has read it puts it back
   */
  private Manifest find(NavigableMap<Long, LogEntry> entries) {
    TreeMap<Long, List<StoredConfigMap>> bySeq = new TreeMap<>();
    for (StoredConfigMap map : api.list(names.selected(Set.of(LogNames.SNAPSHOT))).items()) {
      SnapshotShards.seq(map)
          .ifPresent(seq -> bySeq.computeIfAbsent(seq, s -> new ArrayList<>()).add(map));
    }
    Manifest newest = null;
    Snapshot previous = Snapshot.NONE;
    for (List<StoredConfigMap> shards : bySeq.descendingMap().values()) {
      Manifest whole = SnapshotShards.manifestOf(shards);
      if (whole == null) {
        continue;
      }
      if (newest == null) {
        newest = whole;
      } else {
        previous = whole.current();
        break;
      }
    }
    if (newest != null) {
      logger
          .atWarn()
          .addKeyValue("snapshot", newest.current().seq())
          .log("the manifest of the ban log is lost; made anew from the newest snapshot");
      return new Manifest(newest.log(), newest.floor(), newest.chain(), newest.current(), previous);
    }
    if (entries.values().stream().noneMatch(LogEntry::isValid)) {
      return Manifest.ofNew(ids.get());
    }
    LogEntry first = entries.firstEntry().getValue();
    if (first.index() == 1) {
      logger.atWarn().log("the manifest of the ban log is lost; made anew from its first entry");
      String log =
          entries.values().stream().filter(LogEntry::isValid).findFirst().orElseThrow().log();
      return Manifest.ofNew(log);
    }
    throw BanLogException.transientFailure(
        "manifest and snapshots of the ban log "
            + names.release()
            + " are gone, and its entries begin with "
            + names.entry(first.index())
            + ". A process that has read what was before puts it back; if none runs any more,"
            + " restore the ConfigMaps with the label "
            + LogNames.LOG_LABEL
            + '='
            + names.release()
            + " from a backup, or delete them all to begin a new log");
  }
}
