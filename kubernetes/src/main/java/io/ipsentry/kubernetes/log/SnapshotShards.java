package io.ipsentry.kubernetes.log;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanSnapshot;
import io.ipsentry.ban.InvalidSnapshotException;
import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import io.ipsentry.kubernetes.log.Manifest.Snapshot;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A snapshot as ConfigMaps: a {@link BanSnapshot}, compressed, cut into shards. Each shard says
 * what the manifest says of the snapshot, so that a lost manifest can be made anew. Stateless.
 */
final class SnapshotShards {
  /** Most bytes of a shard; with its names it stays below the limit of a ConfigMap. */
  static final int MAX_BYTES = 768 * 1024;

  private static final String SHARD = "shard";
  private static final String STATE = "state.gz";

  private SnapshotShards() {}

  /**
   * The shards to create, and the manifest that names them.
   *
   * @param floor index of the first entry whose events are not in the snapshot
   * @param chain identity of the entry below
   */
  static Prepared prepare(
      LogNames names, Manifest now, SnapshotBytes bytes, long floor, String chain) {
    byte[] compressed = compress(bytes);
    int count = Math.max(1, (compressed.length + MAX_BYTES - 1) / MAX_BYTES);
    Snapshot snapshot =
        new Snapshot(bytes.head(), count, digest(List.of(compressed)), bytes.newestMillis());
    Manifest next = new Manifest(now.log(), floor, chain, snapshot, now.current());
    List<StoredConfigMap> shards = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] shard =
          Arrays.copyOfRange(
              compressed, i * MAX_BYTES, Math.min(compressed.length, (i + 1) * MAX_BYTES));
      Map<String, String> data =
          new HashMap<>(new Manifest(now.log(), floor, chain, snapshot, Snapshot.NONE).data());
      data.put(SHARD, Integer.toString(i));
      shards.add(
          StoredConfigMap.of(
              names.shard(bytes.head(), i),
              names.labels(LogNames.SNAPSHOT),
              data,
              Map.of(STATE, shard),
              true));
    }
    return new Prepared(next, shards);
  }

  /**
   * A snapshot that is to be stored.
   *
   * @param manifest that names it
   * @param shards to be created before the manifest
   */
  record Prepared(Manifest manifest, List<StoredConfigMap> shards) {
    Prepared {
      shards = List.copyOf(shards);
    }
  }

  /** Number of the last event in the snapshot of which this is a shard; empty: it is none. */
  static OptionalLong seq(StoredConfigMap map) {
    try {
      return map.binary().containsKey(STATE)
          ? OptionalLong.of(Manifest.read(map).current().seq())
          : OptionalLong.empty();
    } catch (LogEntry.InvalidException e) {
      return OptionalLong.empty();
    }
  }

  /** What shards of one snapshot say of it; null: they are not whole. */
  static @Nullable Manifest manifestOf(List<StoredConfigMap> shards) {
    try {
      Manifest told = Manifest.read(shards.getFirst());
      TreeMap<Integer, byte[]> parts = new TreeMap<>();
      for (StoredConfigMap map : shards) {
        byte[] part = map.binary().get(STATE);
        int shard = Integer.parseInt(map.text(SHARD));
        if (part != null && shard >= 0 && shard < told.current().shards()) {
          parts.put(shard, part);
        }
      }
      boolean complete = parts.size() == told.current().shards();
      return complete && digest(parts.values()).equals(told.current().digest()) ? told : null;
    } catch (LogEntry.InvalidException | NumberFormatException e) {
      return null;
    }
  }

  /**
   * Reads a state.
   *
   * @param shards in order
   * @throws InvalidSnapshotException if they are not what the manifest names
   */
  static ActiveBans read(
      Snapshot snapshot, List<StoredConfigMap> shards, ActiveBans.Limits limits) {
    List<byte[]> parts = new ArrayList<>();
    for (StoredConfigMap map : shards) {
      byte[] part = map.binary().get(STATE);
      if (part == null) {
        throw new InvalidSnapshotException(map.name() + " has no " + STATE);
      }
      parts.add(part);
    }
    if (!digest(parts).equals(snapshot.digest())) {
      throw new InvalidSnapshotException("its digest is wrong");
    }
    InputStream whole =
        new SequenceInputStream(
            Collections.enumeration(parts.stream().map(ByteArrayInputStream::new).toList()));
    try (InputStream in = new BufferedInputStream(new GZIPInputStream(whole, 1 << 16), 1 << 16)) {
      return BanSnapshot.read(in, limits);
    } catch (IOException e) {
      throw new InvalidSnapshotException("it cannot be decompressed", e);
    }
  }

  private static byte[] compress(SnapshotBytes bytes) {
    ByteArrayOutputStream target = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(target, 1 << 16)) {
      for (byte[] part : bytes.parts()) {
        gzip.write(part);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return target.toByteArray();
  }

  private static String digest(Collection<byte[]> parts) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      parts.forEach(sha256::update);
      return HexFormat.of().formatHex(sha256.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
