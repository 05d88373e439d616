package io.ipsentry.kubernetes.log;

import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.util.HashMap;
import java.util.Map;

/**
 * Where the log begins: in a snapshot, and the entries from {@link #floor} on.
 *
 * @param log id of the log
 * @param floor index of the first entry that is not in the snapshot; what is below may be deleted
 * @param chain {@link LogEntry#identity} of the entry below the floor; empty if there is none
 * @param current the snapshot
 * @param previous the one before, which is kept
 */
record Manifest(String log, long floor, String chain, Snapshot current, Snapshot previous) {
  /**
   * A compacted state.
   *
   * @param seq number of the last event in it; 0: nothing is compacted
   * @param shards ConfigMaps that it is spread over
   * @param digest SHA-256 of the bytes of all shards, in hexadecimal
   * @param newestMillis newest time in its events, milliseconds since 1970
   */
  record Snapshot(long seq, int shards, String digest, long newestMillis) {
    /** Nothing is compacted. */
    static final Snapshot NONE = new Snapshot(0, 0, "", Long.MIN_VALUE);

    private void put(Map<String, String> data, String prefix) {
      data.put(prefix + "snapshot", Long.toString(seq));
      data.put(prefix + "shards", Integer.toString(shards));
      data.put(prefix + "digest", digest);
      data.put(prefix + "newest", Long.toString(newestMillis));
    }

    private static Snapshot read(StoredConfigMap map, String prefix) {
      return new Snapshot(
          Long.parseLong(map.text(prefix + "snapshot")),
          Integer.parseInt(map.text(prefix + "shards")),
          map.text(prefix + "digest"),
          Long.parseLong(map.text(prefix + "newest")));
    }
  }

  /** That of a new log. */
  static Manifest ofNew(String log) {
    return new Manifest(log, 1, "", Snapshot.NONE, Snapshot.NONE);
  }

  Map<String, String> data() {
    Map<String, String> data = new HashMap<>();
    data.put("log", log);
    data.put("floor", Long.toString(floor));
    data.put("chain", chain);
    current.put(data, "");
    previous.put(data, "previous.");
    return data;
  }

  StoredConfigMap toConfigMap(LogNames names) {
    return StoredConfigMap.of(
        names.manifest(), names.labels(LogNames.MANIFEST), data(), Map.of(), false);
  }

  /**
   * Reads a manifest.
   *
   * @throws LogEntry.InvalidException if it is none
   */
  static Manifest read(StoredConfigMap map) throws LogEntry.InvalidException {
    try {
      Manifest manifest =
          new Manifest(
              map.text("log"),
              Long.parseLong(map.text("floor")),
              map.text("chain"),
              Snapshot.read(map, ""),
              Snapshot.read(map, "previous."));
      if (manifest.log.isEmpty() || manifest.floor < 1) {
        throw new LogEntry.InvalidException(map.name() + " contradicts itself");
      }
      return manifest;
    } catch (NumberFormatException e) {
      throw new LogEntry.InvalidException(map.name() + ": " + e.getMessage());
    }
  }
}
