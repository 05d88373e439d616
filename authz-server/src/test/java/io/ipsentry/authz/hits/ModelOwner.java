package io.ipsentry.authz.hits;

import com.google.protobuf.ByteString;
import io.ipsentry.detection.HitLedger;
import io.ipsentry.detection.HitOwner;
import io.ipsentry.detection.ReportedHit;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * An owner that only counts, by the event time of each hit, with checkpoints of its counts and of
 * the ledger together. A crash is to begin anew from the last checkpoint.
 */
final class ModelOwner implements HitOwner {
  final HitLedger ledger = new HitLedger();
  private final Map<Long, Integer> counts = new HashMap<>();
  private volatile boolean full;

  /** What survives a crash. */
  record Checkpoint(Map<Long, Integer> counts, ByteString ledger) {}

  static ModelOwner from(Checkpoint checkpoint) {
    ModelOwner owner = new ModelOwner();
    owner.counts.putAll(checkpoint.counts());
    try {
      owner.ledger.readFrom(new DataInputStream(checkpoint.ledger().newInput()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return owner;
  }

  @Override
  public synchronized boolean take(List<ReportedHit> hits, LongConsumer settled) {
    if (full && !hits.isEmpty()) {
      return false;
    }
    hits.forEach(hit -> counts.merge(hit.eventTimeMillis(), 1, Integer::sum));
    settled.accept(counts.size());
    return true;
  }

  /** Refuses hits from now on, or takes them again. */
  void full(boolean now) {
    full = now;
  }

  Checkpoint checkpoint() {
    ledger.pause();
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      ledger.writeTo(new DataOutputStream(bytes));
      return new Checkpoint(counts(), ByteString.copyFrom(bytes.toByteArray()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      ledger.resume();
    }
  }

  synchronized Map<Long, Integer> counts() {
    return Map.copyOf(counts);
  }
}
