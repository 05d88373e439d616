package io.ipsentry.kubernetes.log;

import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts a snapshot in place of the beginning of the log, and later deletes what is in it.
 *
 * <p>Any number may do so at once: shards are a function of the log, the manifest is replaced by
 * its version, and what is deleted is below the floor since a while, by this process's own clock of
 * elapsed time. One call at a time.
 */
final class LogCompactor {
  private static final Logger logger = LoggerFactory.getLogger(LogCompactor.class);

  private final ConfigMaps api;
  private final LogNames names;
  private final LogReplica replica;
  private final LogArchive archive;
  private final Duration grace;
  private final LongSupplier nanoTicker;

  /** Floors, and since when they are known; what is below the older may go. */
  private long agedFloor;

  private long floor;
  private long floorSince;

  /**
   * @param grace how long what is below the floor stays for those who are reading it
   * @param nanoTicker elapsed time, nanoseconds
   */
  LogCompactor(
      ConfigMaps api,
      LogNames names,
      LogReplica replica,
      LogArchive archive,
      Duration grace,
      LongSupplier nanoTicker) {
    this.api = api;
    this.names = names;
    this.replica = replica;
    this.archive = archive;
    this.grace = grace;
    this.nanoTicker = nanoTicker;
  }

  /**
   * Stores a snapshot and raises the floor to the entries behind it. Of the snapshot in force it
   * restores the shards that are missing.
   *
   * @param bytes the state at the end of an entry of the log
   * @return whether it did; else there is a newer one, or it ends within an entry
   * @throws ApiServerException if the API server fails; what was written does no harm
   */
  synchronized boolean compact(SnapshotBytes bytes) {
    Optional<StoredConfigMap> stored = api.get(names.manifest());
    if (stored.isEmpty()) {
      return false;
    }
    Manifest now = LogReplica.readManifest(stored.get());
    if (now.current().seq() == bytes.head()) {
      restore(now, bytes);
      return false;
    }
    Optional<LogEntry> end = replica.entryEndingAt(bytes.head());
    if (end.isEmpty() || now.floor() > end.get().index()) {
      return false;
    }
    SnapshotShards.Prepared prepared =
        SnapshotShards.prepare(names, now, bytes, end.get().index() + 1, end.get().identity());
    for (StoredConfigMap shard : prepared.shards()) {
      put(shard);
    }
    try {
      StoredConfigMap ignored = api.replace(stored.get().withData(prepared.manifest().data()));
    } catch (ApiServerException e) {
      if (e.reason() == Reason.CONFLICT) {
        return false;
      }
      throw e;
    }
    replica.takeManifest(prepared.manifest());
    logger
        .atInfo()
        .addKeyValue("head", bytes.head())
        .addKeyValue("shards", prepared.shards().size())
        .log("snapshot of the ban log stored");
    return true;
  }

  private void restore(Manifest now, SnapshotBytes bytes) {
    SnapshotShards.Prepared prepared =
        SnapshotShards.prepare(names, now, bytes, now.floor(), now.chain());
    if (prepared.manifest().current().equals(now.current())) {
      prepared.shards().forEach(this::put);
    }
  }

  /** Creates a shard; one that is there with other bytes was made by another version. */
  private void put(StoredConfigMap shard) {
    try {
      StoredConfigMap ignored = api.create(shard);
    } catch (ApiServerException e) {
      if (e.reason() != Reason.EXISTS) {
        throw e;
      }
      Optional<StoredConfigMap> found = api.get(shard.name());
      if (found.isPresent() && !isSame(found.get(), shard)) {
        api.delete(found.get());
        StoredConfigMap ignored = api.create(shard);
      }
    }
  }

  private static boolean isSame(StoredConfigMap one, StoredConfigMap other) {
    return one.data().equals(other.data())
        && one.binary().keySet().equals(other.binary().keySet())
        && one.binary().entrySet().stream()
            .allMatch(entry -> Arrays.equals(entry.getValue(), other.binary().get(entry.getKey())));
  }

  /**
   * Archives and deletes what is below the floor since the grace, and snapshots before the previous
   * one.
   *
   * @return ConfigMaps deleted
   * @throws ApiServerException if the API server fails; the next call goes on
   */
  synchronized int sweep() {
    Manifest now = replica.manifest();
    long nanos = nanoTicker.getAsLong();
    if (now.floor() != floor) {
      floor = now.floor();
      floorSince = nanos;
    }
    if (nanos - floorSince >= grace.toNanos()) {
      agedFloor = floor;
    }
    int deleted = 0;
    if (agedFloor > 1) {
      archive.add(replica.entriesBelow(agedFloor));
      deleted += deleteEntries(agedFloor);
      replica.forgetBelow(agedFloor);
      archive.prune();
    }
    return deleted + deleteSnapshots(now);
  }

  /** In order of their indices: so one that is there tells that all behind it are. */
  private int deleteEntries(long below) {
    List<StoredConfigMap> old =
        api.list(names.selected(Set.of(LogNames.ENTRY))).items().stream()
            .filter(map -> index(map) < below)
            .sorted(Comparator.comparingLong(this::index))
            .toList();
    old.forEach(api::delete);
    return old.size();
  }

  private long index(StoredConfigMap map) {
    OptionalLong index = names.index(map.name());
    return index.orElse(Long.MAX_VALUE);
  }

  /** Newer ones than the manifest's may be in the making. */
  private int deleteSnapshots(Manifest now) {
    if (now.previous().seq() == 0) {
      return 0;
    }
    int deleted = 0;
    TreeSet<Long> kept = new TreeSet<>(Set.of(now.current().seq(), now.previous().seq()));
    for (StoredConfigMap map : api.list(names.selected(Set.of(LogNames.SNAPSHOT))).items()) {
      OptionalLong seq = SnapshotShards.seq(map);
      if (seq.isPresent() && seq.getAsLong() < kept.first()) {
        api.delete(map);
        deleted++;
      }
    }
    return deleted;
  }

  /** Whether every shard of the snapshot in force is there. */
  boolean isWhole() {
    Manifest now = replica.manifest();
    Map<String, String> labels = names.labels(LogNames.SNAPSHOT);
    for (int i = 0; i < now.current().shards(); i++) {
      Optional<StoredConfigMap> shard = api.get(names.shard(now.current().seq(), i));
      if (shard.isEmpty() || !shard.get().labels().equals(labels)) {
        return false;
      }
    }
    return true;
  }
}
