package io.ipsentry.watcher;

import io.ipsentry.banlog.Checkpoints;
import io.ipsentry.detection.HitLedger;
import io.ipsentry.detection.RequestDetection;
import io.ipsentry.rule.RuleEngine;
import io.ipsentry.watcher.source.LineSource;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the positions of the sources and the windows of the engine, stored together: {@code
 * windows} (in pieces, see {@link PiecedCheckpoint}), {@code request-windows} (of inline rules, see
 * {@link RequestDetection#writeTo}), {@code reporters} (see {@link HitLedger}) and the positions
 * ({@link ChangedCheckpoints}).
 *
 * <p>Damaged state is never fatal: it is said, and the windows or the source start afresh.
 */
final class CheckpointStore {
  private static final String WINDOWS = "windows";
  private static final String REQUEST_WINDOWS = "request-windows";
  private static final String REPORTERS = "reporters";
  private static final Logger logger = LoggerFactory.getLogger(CheckpointStore.class);

  private final ChangedCheckpoints checkpoints;
  private Map<String, byte[]> loaded = Map.of();
  private int loadedPieces;

  /** Of a version that stored windows as one checkpoint. */
  private Set<String> outdated = Set.of();

  CheckpointStore(Checkpoints checkpoints) {
    this.checkpoints = new ChangedCheckpoints(checkpoints);
  }

  /** Takes up what was stored last. */
  void restore(
      RuleEngine engine, RequestDetection requests, HitLedger ledger, List<LineSource> sources) {
    loaded = checkpoints.load();
    loadedPieces = PiecedCheckpoint.pieces(WINDOWS, loaded);
    outdated = loaded.containsKey(WINDOWS) ? Set.of(WINDOWS) : Set.of();
    if (loadedPieces > 0 || !outdated.isEmpty()) {
      restore(WINDOWS, PiecedCheckpoint.read(WINDOWS, loaded), engine::readFrom);
    }
    restore(REQUEST_WINDOWS, requests::readFrom);
    restore(REPORTERS, ledger::readFrom);
    for (LineSource source : sources) {
      ChangedCheckpoints.restore(source, loaded);
    }
    loaded = Map.of();
  }

  private void restore(String name, Reader reader) {
    byte[] windows = loaded.get(name);
    if (windows != null) {
      restore(name, new ByteArrayInputStream(windows), reader);
    }
  }

  private static void restore(String name, InputStream stored, Reader reader) {
    try {
      reader.readFrom(new DataInputStream(stored));
    } catch (IOException e) {
      logger
          .atError()
          .setCause(e)
          .addKeyValue("name", name)
          .log("stored windows cannot be read; counting starts afresh");
    }
  }

  @FunctionalInterface
  private interface Reader {
    void readFrom(DataInput in) throws IOException;
  }

  /** Stores everything that changed since the last call. */
  void save(
      RuleEngine engine, RequestDetection requests, HitLedger ledger, List<LineSource> sources) {
    checkpoints.put(new PiecedCheckpoint(WINDOWS, engine::writeTo), loadedPieces);
    checkpoints.put(REQUEST_WINDOWS, bytes(requests::writeTo));
    checkpoints.put(REPORTERS, bytes(ledger::writeTo));
    sources.forEach(checkpoints::put);
    checkpoints.save(outdated);
    outdated = Set.of();
  }

  /** Hits are counted meanwhile, so the size is not known beforehand. */
  private static byte[] bytes(PiecedCheckpoint.Writer writer) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      writer.writeTo(new DataOutputStream(bytes));
    } catch (IOException e) {
      throw new UncheckedIOException("an array in memory cannot be written", e);
    }
    return bytes.toByteArray();
  }
}
