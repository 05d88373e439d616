package io.ipsentry.watcher;

import io.ipsentry.banlog.Checkpoints;
import io.ipsentry.detection.HitLedger;
import io.ipsentry.detection.RequestDetection;
import io.ipsentry.rule.RuleEngine;
import io.ipsentry.watcher.source.CheckpointException;
import io.ipsentry.watcher.source.LineSource;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the positions of the sources and the windows of the engine, stored together: {@code
 * windows}, {@code request-windows} (of inline rules, see {@link RequestDetection#writeTo}), {@code
 * reporters} (see {@link HitLedger}) and {@code source/NAME}. What has not changed is not written
 * again. A source that is no longer configured keeps its position, for the day it comes back.
 *
 * <p>Damaged state is never fatal: it is said, and the windows or the source start afresh.
 */
final class CheckpointStore {
  private static final String WINDOWS = "windows";
  private static final String REQUEST_WINDOWS = "request-windows";
  private static final String REPORTERS = "reporters";
  private static final String SOURCE = "source/";
  private static final Logger logger = LoggerFactory.getLogger(CheckpointStore.class);

  private final Checkpoints checkpoints;

  /** What was stored last, by hash, to tell what changed; the bytes would cost as much again. */
  private final Map<String, Long> storedHashes = new HashMap<>();

  private Map<String, byte[]> loaded = Map.of();

  CheckpointStore(Checkpoints checkpoints) {
    this.checkpoints = checkpoints;
  }

  /** Takes up what was stored last. */
  void restore(
      RuleEngine engine, RequestDetection requests, HitLedger ledger, List<LineSource> sources) {
    loaded = checkpoints.load();
    loaded.forEach((name, bytes) -> storedHashes.put(name, hash(bytes)));
    restore(WINDOWS, engine::readFrom);
    restore(REQUEST_WINDOWS, requests::readFrom);
    restore(REPORTERS, ledger::readFrom);
    for (LineSource source : sources) {
      restore(source);
    }
    loaded = Map.of();
  }

  private void restore(String name, Reader reader) {
    byte[] windows = loaded.get(name);
    if (windows != null) {
      try {
        reader.readFrom(new DataInputStream(new ByteArrayInputStream(windows)));
      } catch (IOException e) {
        logger
            .atError()
            .setCause(e)
            .addKeyValue("name", name)
            .log("stored windows cannot be read; counting starts afresh");
      }
    }
  }

  @FunctionalInterface
  private interface Reader {
    void readFrom(DataInput in) throws IOException;
  }

  @FunctionalInterface
  private interface Writer {
    void writeTo(DataOutput out) throws IOException;
  }

  private void restore(LineSource source) {
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

  /** Stores everything that changed since the last call. */
  void save(
      RuleEngine engine, RequestDetection requests, HitLedger ledger, List<LineSource> sources) {
    Map<String, byte[]> changed = new HashMap<>();
    put(changed, WINDOWS, windows(engine));
    put(changed, REQUEST_WINDOWS, bytes(requests::writeTo));
    put(changed, REPORTERS, bytes(ledger::writeTo));
    for (LineSource source : sources) {
      put(changed, SOURCE + source.name(), source.checkpoint());
    }
    if (!changed.isEmpty()) {
      checkpoints.save(changed, Set.of());
      changed.forEach((name, bytes) -> storedHashes.put(name, hash(bytes)));
    }
  }

  private void put(Map<String, byte[]> changed, String name, byte[] bytes) {
    Long before = storedHashes.get(name);
    if (before == null || before != hash(bytes)) {
      changed.put(name, bytes);
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

  /** Written twice, first to find the size: growing and copying would cost the size again. */
  private static byte[] windows(RuleEngine engine) {
    try {
      DataOutputStream measured = new DataOutputStream(OutputStream.nullOutputStream());
      engine.writeTo(measured);
      ExactBytes bytes = new ExactBytes(measured.size());
      engine.writeTo(new DataOutputStream(bytes));
      return bytes.whole();
    } catch (IOException e) {
      throw new UncheckedIOException("an array in memory cannot be written", e);
    }
  }

  /** Hits are counted meanwhile, so the size is not known beforehand. */
  private static byte[] bytes(Writer writer) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      writer.writeTo(new DataOutputStream(bytes));
    } catch (IOException e) {
      throw new UncheckedIOException("an array in memory cannot be written", e);
    }
    return bytes.toByteArray();
  }

  /** Takes so many bytes and hands out its array. */
  private static final class ExactBytes extends ByteArrayOutputStream {
    ExactBytes(int size) {
      super(size);
    }

    byte[] whole() {
      return count == buf.length ? buf : toByteArray();
    }
  }
}
