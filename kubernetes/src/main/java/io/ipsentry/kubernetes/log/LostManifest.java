package io.ipsentry.kubernetes.log;

import io.ipsentry.banlog.BanLogException;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import io.ipsentry.kubernetes.log.Manifest.Snapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
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

  /**
   * The manifest to create.
   *
   * @param entries that are there
   * @throws BanLogException if entries are there and their beginning is lost
   */
  Manifest find(NavigableMap<Long, LogEntry> entries) {
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
    throw BanLogException.permanent(
        "manifest and snapshots of the ban log "
            + names.release()
            + " are gone, and its entries begin with "
            + names.entry(first.index())
            + ": what was before is lost. Restore the ConfigMaps with the label "
            + LogNames.LOG_LABEL
            + '='
            + names.release()
            + " from a backup, or delete them all to begin a new log");
  }
}
