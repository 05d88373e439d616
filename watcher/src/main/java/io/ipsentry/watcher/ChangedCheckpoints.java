package io.ipsentry.watcher;

import io.ipsentry.banlog.Checkpoints;
import io.ipsentry.watcher.source.CheckpointException;
import io.ipsentry.watcher.source.LineSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checkpoints of which those that have not changed are not written again, with the positions of
 * sources among them as {@code source/NAME}. A source that is no longer configured keeps its
 * position, for the day it comes back. Confined to the reading thread.
 */
final class ChangedCheckpoints {
  private static final String SOURCE = "source/";
  private static final Logger logger = LoggerFactory.getLogger(ChangedCheckpoints.class);

  private final Checkpoints checkpoints;

  /** What was stored last, by hash, to tell what changed; the bytes would cost as much again. */
  private final Map<String, Long> storedHashes = new HashMap<>();

  private final Map<String, byte[]> changed = new HashMap<>();

  ChangedCheckpoints(Checkpoints checkpoints) {
    this.checkpoints = checkpoints;
  }

  /** All that was stored last. */
  Map<String, byte[]> load() {
    Map<String, byte[]> loaded = checkpoints.load();
    loaded.forEach((name, bytes) -> storedHashes.put(name, hash(bytes)));
    return loaded;
  }

  /** Lets a source go on at its position among what was loaded, if it has one. */
  static void restore(LineSource source, Map<String, byte[]> loaded) {
    byte[] position = loaded.get(SOURCE + source.name());
    if (position != null) {
      try {
        source.restore(position);
      } catch (CheckpointException e) {
        logger
            .atError()
            .setCause(e)
            .addKeyValue("source", source.name())
            .log("stored position cannot be read; the source starts as on its first day");
      }
    }
  }

  /** Stores the position of a source with the next {@link #save}. */
  void put(LineSource source) {
    put(SOURCE + source.name(), source.checkpoint());
  }

  /** Stores bytes with the next {@link #save}, if they are not stored. */
  void put(String name, byte[] bytes) {
    Long before = storedHashes.get(name);
    if (before == null || before != hash(bytes)) {
      changed.put(name, bytes);
    }
  }

  /**
   * Stores what was put since the last call, and forgets something, together. When it fails, what
   * was put is to be put again.
   */
  void save(Set<String> forgotten) {
    try {
      if (!changed.isEmpty() || !forgotten.isEmpty()) {
        checkpoints.save(changed, forgotten);
        changed.forEach((name, bytes) -> storedHashes.put(name, hash(bytes)));
        forgotten.forEach(storedHashes::remove);
      }
    } finally {
      changed.clear();
    }
  }

  /** 64 bits, so that a change is overlooked less often than memory fails. */
  private static long hash(byte[] bytes) {
    long hash = bytes.length;
    for (byte b : bytes) {
      hash = (hash ^ b) * 0x9E3779B97F4A7C15L;
      hash ^= hash >>> 32;
    }
    return hash;
  }
}
