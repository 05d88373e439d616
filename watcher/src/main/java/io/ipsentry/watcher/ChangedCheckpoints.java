package io.ipsentry.watcher;

import io.ipsentry.banlog.Checkpoints;
import io.ipsentry.watcher.source.CheckpointException;
import io.ipsentry.watcher.source.LineSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
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

  /** Of those in pieces; there may be another of the same name that is stored as one. */
  private final Map<String, Long> storedPieceHashes = new HashMap<>();

  private final List<PiecedCheckpoint> changedInPieces = new ArrayList<>();

  /** How many pieces of a name are stored. */
  private final Map<String, Integer> pieces = new HashMap<>();

  ChangedCheckpoints(Checkpoints checkpoints) {
    this.checkpoints = checkpoints;
  }

  /** All that was stored last. */
  Map<String, byte[]> load() {
    Map<String, byte[]> loaded = checkpoints.load();
    loaded.forEach((name, bytes) -> storedHashes.put(name, HashingStream.hash(bytes)));
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
    if (before == null || before != HashingStream.hash(bytes)) {
      changed.put(name, bytes);
    }
  }

  /**
   * Stores with the next {@link #save}, if it is not stored, what is too large to be in memory
   * twice: in pieces, as {@link PiecedCheckpoint} says.
   *
   * @param stored how many pieces of it were loaded
   */
  void put(PiecedCheckpoint whole, int stored) {
    Long before = storedPieceHashes.get(whole.name());
    if (before == null || before != whole.hash()) {
      changedInPieces.add(whole);
      pieces.putIfAbsent(whole.name(), stored);
    }
  }

  /**
   * Stores what was put since the last call, and forgets something, together. When it fails, what
   * was put is to be put again.
   */
  void save(Set<String> forgotten) {
    try {
      if (!changed.isEmpty() || !changedInPieces.isEmpty() || !forgotten.isEmpty()) {
        Map<String, Integer> written = new HashMap<>();
        checkpoints.save(changes -> {
          forgotten.forEach(changes::forget);
          changed.forEach(changes::put);
          for (PiecedCheckpoint whole : changedInPieces) {
            int before = pieces.getOrDefault(whole.name(), 0);
            written.put(whole.name(), whole.write(changes, before));
          }
        });
        pieces.putAll(written);
        changed.forEach((name, bytes) -> storedHashes.put(name, HashingStream.hash(bytes)));
        changedInPieces.forEach(whole -> storedPieceHashes.put(whole.name(), whole.hash()));
        forgotten.forEach(storedHashes::remove);
      }
    } finally {
      changed.clear();
      changedInPieces.clear();
    }
  }
}
