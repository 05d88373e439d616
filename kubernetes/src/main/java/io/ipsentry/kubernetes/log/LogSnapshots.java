package io.ipsentry.kubernetes.log;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.InvalidSnapshotException;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.CompactedException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import io.ipsentry.kubernetes.log.Manifest.Snapshot;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads the snapshots that the manifest names. Safe for any thread. */
final class LogSnapshots {
  private static final Logger logger = LoggerFactory.getLogger(LogSnapshots.class);

  private final ConfigMaps api;
  private final LogNames names;
  private final LogReplica replica;

  LogSnapshots(ConfigMaps api, LogNames names, LogReplica replica) {
    this.api = api;
    this.names = names;
    this.replica = replica;
  }

  /**
   * A state to start from, as {@code BanLog.snapshot} says.
   *
   * @throws ApiServerException if the API server fails
   * @throws CompactedException if what was up to then is no longer kept
   * @throws BanLogException if no snapshot can be read, transient: whoever has read one restores it
   */
  Optional<ActiveBans> load(Instant upTo, ActiveBans.Limits limits) {
    Manifest asked = replica.currentManifest();
    Manifest now = asked == null ? replica.manifest() : asked;
    boolean any = upTo.equals(Instant.MAX);
    for (Snapshot snapshot : List.of(now.current(), now.previous())) {
      boolean wanted = any || snapshot.newestMillis() <= upTo.toEpochMilli();
      // What lies between it and the entries must not be missing.
      if (snapshot.seq() > 0 && wanted && snapshot.seq() + 1 >= replica.firstKept()) {
        Optional<ActiveBans> state = load(snapshot, limits);
        if (state.isPresent()) {
          return state;
        }
      }
    }
    long firstKept = replica.firstKept();
    if (firstKept == 1) {
      return Optional.empty();
    }
    if (any) {
      throw BanLogException.transientFailure(
          "a shard of the snapshot of event "
              + now.current().seq()
              + " of the ban log "
              + names.release()
              + " is missing or damaged; a process that has read it restores it soon");
    }
    throw new CompactedException(firstKept);
  }

  private Optional<ActiveBans> load(Snapshot snapshot, ActiveBans.Limits limits) {
    List<StoredConfigMap> shards = new ArrayList<>();
    for (int i = 0; i < snapshot.shards(); i++) {
      Optional<StoredConfigMap> shard = api.get(names.shard(snapshot.seq(), i));
      if (shard.isEmpty()) {
        return Optional.empty();
      }
      shards.add(shard.get());
    }
    try {
      return Optional.of(SnapshotShards.read(snapshot, shards, limits));
    } catch (InvalidSnapshotException e) {
      logger
          .atError()
          .setCause(e)
          .addKeyValue("snapshot", snapshot.seq())
          .log("a snapshot of the ban log cannot be read");
      return Optional.empty();
    }
  }
}
