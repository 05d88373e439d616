package io.ipsentry.detection;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.InvalidEventException;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.RuleSet;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** Bans on their way into the log of this process: in order, and together those that wait. */
final class AppendedBans implements BanDestination {
  /** Bans that are appended together at most. */
  private static final int MAX_BATCH = 1_000;

  private final BanWriter writer;
  private final PendingBans pending;
  private final DetectionObserver observer;
  private final InstantSource clock;
  private final LongSupplier nanoTicker;
  private final LongConsumer banLatency;
  private final int maxPending;

  private final ConcurrentLinkedQueue<Waiting> queue = new ConcurrentLinkedQueue<>();
  private final AtomicInteger size = new AtomicInteger();
  private final ConcurrentLinkedQueue<Settling> settling = new ConcurrentLinkedQueue<>();
  private long decided;
  private long retryAtNanos;
  private boolean failing;

  private record Waiting(long number, BanEvent.Ban ban, long sinceNanos) {}

  private record Settling(long upTo, LongConsumer settled) {}

  AppendedBans(
      BanWriter writer,
      PendingBans pending,
      DecisionNews news,
      RequestDetection.Parts parts,
      int maxPending) {
    this.writer = writer;
    this.pending = pending;
    this.observer = news.observer();
    this.clock = parts.clock();
    this.nanoTicker = parts.nanoTicker();
    this.banLatency = parts.banLatency();
    this.maxPending = maxPending;
  }

  @Override
  public long report(RuleSet rules, Hit hit) {
    return 0;
  }

  @Override
  public boolean hasRoom() {
    return size.get() < maxPending;
  }

  @Override
  public void decided(BanEvent.Ban ban, long report) {
    pending.put(ban);
    size.incrementAndGet();
    queue.add(new Waiting(++decided, ban, nanoTicker.getAsLong()));
  }

  @Override
  public boolean work() {
    if (failing && nanoTicker.getAsLong() - retryAtNanos < 0) {
      return false;
    }
    failing = false;
    List<Waiting> batch = batch();
    while (!batch.isEmpty() && append(batch)) {
      batch = batch();
    }
    if (!batch.isEmpty()) {
      failing = true;
      retryAtNanos = nanoTicker.getAsLong() + RequestDetection.RETRY_MILLIS * 1_000_000L;
      giveUpOnWhatIsOver();
    }
    settle();
    return batch.isEmpty();
  }

  /** The bans that wait longest. */
  private List<Waiting> batch() {
    List<Waiting> batch = new ArrayList<>();
    Iterator<Waiting> waiting = queue.iterator();
    while (waiting.hasNext() && batch.size() < MAX_BATCH) {
      batch.add(waiting.next());
    }
    return batch;
  }

  private boolean append(List<Waiting> batch) {
    try {
      switch (writer.write((state, now) -> wanted(batch, state, now))) {
        case BanWriter.Outcome.Written written -> {
          long now = nanoTicker.getAsLong();
          for (Waiting done : batch) {
            queue.poll();
            drop(done);
            banLatency.accept(now - done.sinceNanos());
          }
          observer.appended(written.events());
          return true;
        }
        case BanWriter.Outcome.Full full -> observer.appendFailed(full.reason());
        case BanWriter.Outcome.Contended contended ->
            observer.appendFailed("other writers were faster each time");
      }
    } catch (BanLogException e) {
      observer.appendFailed(String.valueOf(e.getMessage()));
    }
    return false;
  }

  private static List<BanEvent> wanted(List<Waiting> batch, ActiveBans state, Instant now) {
    List<BanEvent> wanted = new ArrayList<>(batch.size());
    for (Waiting waiting : batch) {
      if (Detection.isWanted(waiting.ban(), state, now)) {
        wanted.add(waiting.ban());
      }
    }
    return wanted;
  }

  /** While nothing can be appended, people may still have unbanned or allowed, and bans end. */
  private void giveUpOnWhatIsOver() {
    Instant now = clock.instant();
    for (Iterator<Waiting> all = queue.iterator(); all.hasNext(); ) {
      Waiting waiting = all.next();
      Instant until = waiting.ban().until();
      boolean ended = until != null && !until.isAfter(now);
      if (ended || !Detection.isWanted(waiting.ban(), writer.state(), now)) {
        all.remove();
        drop(waiting);
      }
    }
  }

  private void drop(Waiting waiting) {
    pending.remove(waiting.ban());
    size.decrementAndGet();
  }

  @Override
  public void whenSettled(LongConsumer settled) {
    settling.add(new Settling(decided, settled));
  }

  private void settle() {
    Settling next = settling.peek();
    while (next != null && !isWaiting(next.upTo())) {
      settling.remove();
      next.settled().accept(writer.state().head());
      next = settling.peek();
    }
  }

  private boolean isWaiting(long upTo) {
    Waiting first = queue.peek();
    return first != null && first.number() <= upTo;
  }

  @Override
  public void reconciled(long lastHit, long logHead) {
    throw new IllegalStateException("bans of this process are not provisional");
  }

  @Override
  public void writeTo(DataOutput out) throws IOException {
    List<Waiting> all = new ArrayList<>(queue);
    out.writeInt(all.size());
    for (Waiting waiting : all) {
      byte[] line = BanEventJson.toBytes(new SequencedEvent(1, waiting.ban()));
      out.writeInt(line.length);
      out.write(line);
    }
  }

  @Override
  public void readFrom(DataInput in) throws IOException {
    int stored = in.readInt();
    for (int i = 0; i < stored; i++) {
      int length = in.readInt();
      if (length < 0 || length > BanEventJson.MAX_LINE_BYTES) {
        throw new IOException("stored bans of requests are damaged");
      }
      byte[] line = new byte[length];
      in.readFully(line);
      try {
        if (BanEventJson.read(line).event() instanceof BanEvent.Ban ban && hasRoom()) {
          decided(ban, 0);
        }
      } catch (InvalidEventException e) {
        throw new IOException("stored bans of requests are damaged", e);
      }
    }
  }
}
