package io.ipsentry.kubernetes.blocklist;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.kubernetes.blocklist.BlocklistStore.Found;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the blocklist: shows the bans in it, and carries out what people make of it. For the
 * leader; two at once do no harm.
 *
 * <p>Every change that the API server tells of is carried out, in order, before the document is
 * written again; a write names the version that it replaces, so none is written over unseen. An
 * untouched document is known by its digest. What of a change is not done is told in a note at the
 * ConfigMap. A ConfigMap that was deleted is made again and nobody is unbanned. The document of the
 * original ip-sentry, found beside an empty log, is taken over.
 *
 * <p>It is written soon after the log has moved or a ban has ended, at most {@link #BYTES_A_SECOND}
 * on average.
 *
 * <p>Has no thread: somebody calls {@link #step} again and again, one at a time. While the API
 * server or the log is away a step throws, and the next goes on where it was.
 */
public final class BlocklistProjection implements AutoCloseable {
  /** What writing the document may cost, on average. */
  public static final int BYTES_A_SECOND = 64 * 1024;

  /** By whom is what was in the blocklist of the original ip-sentry. */
  static final String IMPORT = "import";

  private static final Logger logger = LoggerFactory.getLogger(BlocklistProjection.class);
  private static final String UNKNOWN = "kubectl";
  private static final Duration PAST_PATIENCE = Duration.ofSeconds(10);
  private static final Duration CONFLICT_PAUSE = Duration.ofMillis(250);

  /** The watch brings what a write conflicts with; if it does not, it is looked at anew. */
  private static final int MAX_CONFLICTS = 20;

  private final BlocklistStore store;
  private final BanLog log;
  private final BanWriter writer;
  private final Supplier<ProtectedPrefixes> protection;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final PastDocuments past;
  private final BlocklistInbox inbox = new BlocklistInbox();
  private final AtomicLong head = new AtomicLong();

  /** Changes that are still to be carried out. */
  private final ArrayDeque<BlocklistInbox.Signal> pending = new ArrayDeque<>();

  /** Versions that were written here and not heard of yet. */
  private final Set<String> echoes = new HashSet<>();

  /** What a watch that began earlier must have told before anything is taken. */
  private @Nullable Found awaited;

  private long awaitedUntil;
  private BlocklistStore.@Nullable Watching watching;
  private BanLog.@Nullable Subscription following;
  private @Nullable Found found;

  /** What the document shows; null: it is none of ours, or none at all. */
  private @Nullable ShownBans shown;

  private long writeFrom;
  private int conflicts;

  /**
   * @param writer of the same log
   * @param protection what must not be banned, at the moment
   * @param nanoTime monotonic
   */
  public BlocklistProjection(
      BlocklistStore store,
      BanLog log,
      BanWriter writer,
      Supplier<ProtectedPrefixes> protection,
      InstantSource clock,
      LongSupplier nanoTime) {
    this.store = store;
    this.log = log;
    this.writer = writer;
    this.protection = protection;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.past = new PastDocuments(log);
    this.writeFrom = nanoTime.getAsLong();
  }

  /**
   * Waits for something to do and does it.
   *
   * @param patience longest wait
   * @throws BlocklistStoreException if the API server fails
   * @throws BanLogException if the log fails
   * @throws InterruptedException if the thread is interrupted while it waits
   */
  public void step(Duration patience) throws InterruptedException {
    if (following == null) {
      follow();
    }
    if (watching == null && pending.isEmpty()) {
      // What an earlier watch told comes before.
      pending.addAll(inbox.await(Duration.ZERO));
      if (pending.isEmpty()) {
        look();
      }
    }
    if (pending.isEmpty() || awaited != null) {
      pending.addAll(inbox.await(shorter(patience)));
    }
    if (!isCaughtUp()) {
      return;
    }
    dropSettled();
    while (!pending.isEmpty()) {
      take(pending.getFirst());
      BlocklistInbox.Signal done = pending.removeFirst();
      logger.atTrace().addKeyValue("signal", done).log("taken");
    }
    if (isDue()) {
      show();
    }
  }

  private Duration shorter(Duration patience) {
    Duration wait = patience;
    if (isBehind()) {
      wait = Duration.ofNanos(Math.max(0, writeFrom - nanoTime.getAsLong()));
    } else if (shown != null && !shown.nextEnd().equals(Instant.MAX)) {
      Duration left = Duration.between(clock.instant(), shown.nextEnd());
      wait = left.isNegative() ? Duration.ZERO : left;
    }
    return wait.compareTo(patience) < 0 ? wait : patience;
  }

  // ---- what happens

  private void follow() {
    head.set(log.head());
    following =
        log.follow(
            head.get() + 1,
            new BanLog.Sink() {
              @Override
              public void events(List<SequencedEvent> events) {
                head.set(events.getLast().seq());
                inbox.wake();
              }

              @Override
              public void failed(RuntimeException cause) {
                logger.atWarn().setCause(cause).log("the blocklist follows the ban log anew");
                inbox.add(new BlocklistInbox.LogLost());
              }
            });
  }

  /**
   * Begins with what there is now, and what people made of it since the last change that was
   * carried out, as far as the API server remembers it.
   */
  private void look() {
    echoes.clear();
    conflicts = 0;
    Optional<Found> there = store.get();
    if (there.isEmpty()) {
      gone();
      return;
    }
    Found now = there.get();
    Optional<String> from = doneBefore(now);
    if (from.isEmpty() || DocumentData.isUntouched(now)) {
      beginWith(now);
    } else {
      awaited = now;
      awaitedUntil = nanoTime.getAsLong() + PAST_PATIENCE.toNanos();
      watching = store.watch(from.get(), inbox);
    }
  }

  /**
   * The version up to which everything is surely carried out: that of the last edit that changed
   * something, or the one that a leader wrote over. The later one, for the API server does not
   * remember for long.
   */
  private Optional<String> doneBefore(Found now) {
    writer.catchUp();
    EditName name = EditName.of(now);
    return Stream.of(writer.state().lastEdit(), DocumentData.replaced(now))
        .flatMap(done -> name.carriedOutBefore(done).stream())
        .max(Comparator.comparingLong(Long::parseLong));
  }

  private void beginWith(Found now) {
    pending.add(new BlocklistInbox.Changed(now));
    watching = store.watch(now.version(), inbox);
  }

  /** Whether all that lies before what was found at the beginning is there to be taken. */
  private boolean isCaughtUp() {
    Found found = awaited;
    if (found == null) {
      return true;
    }
    if (pending.stream().anyMatch(signal -> isOf(signal, found))) {
      awaited = null;
      return true;
    }
    boolean ended = pending.stream().anyMatch(BlocklistInbox.WatchEnded.class::isInstance);
    if (ended || nanoTime.getAsLong() - awaitedUntil > 0) {
      // The API server does not remember what was before.
      stopWatching();
      awaited = null;
      pending.clear();
      beginWith(found);
      return true;
    }
    return false;
  }

  private static boolean isOf(BlocklistInbox.Signal signal, Found found) {
    return signal instanceof BlocklistInbox.Changed changed
        && changed.found().version().equals(found.version());
  }

  /** A leader writes over a version only when all up to it is carried out. */
  private void dropSettled() {
    int settled = 0;
    int position = 0;
    for (BlocklistInbox.Signal signal : pending) {
      if (signal instanceof BlocklistInbox.Changed changed
          && DocumentData.isUntouched(changed.found())) {
        settled = position;
      }
      position++;
    }
    for (; settled > 0; settled--) {
      BlocklistInbox.Signal dropped = pending.removeFirst();
      if (!(dropped instanceof BlocklistInbox.Changed)
          && !(dropped instanceof BlocklistInbox.Deleted)) {
        inbox.add(dropped);
      } else if (dropped instanceof BlocklistInbox.Changed changed) {
        echoes.remove(changed.found().version());
      }
    }
  }

  private void gone() {
    found = null;
    shown = null;
  }

  private void take(BlocklistInbox.Signal signal) {
    switch (signal) {
      case BlocklistInbox.Changed changed -> changed(changed.found());
      case BlocklistInbox.Deleted deleted -> {
        logger.atWarn().log("the ConfigMap of the blocklist was deleted; it is made again");
        gone();
      }
      case BlocklistInbox.WatchEnded ended -> stopWatching();
      case BlocklistInbox.LogLost lost -> stopFollowing();
    }
  }

  private void changed(Found now) {
    if (echoes.remove(now.version())) {
      return;
    }
    if (DocumentData.isUntouched(now)) {
      adopt(now);
    } else {
      absorb(now);
    }
    found = now;
    conflicts = 0;
  }

  /** A document that a leader wrote: the one before, or another who does not know yet. */
  private void adopt(Found now) {
    shown = null;
    WrittenDocument written = WrittenDocument.read(now.document());
    DocumentStamp stamp = written.stamp();
    if (stamp != null && past.find(stamp) instanceof PastDocuments.Answer.Known known) {
      shown = known.shown();
    }
  }

  // ---- people's changes

  private void absorb(Found now) {
    WrittenDocument written = WrittenDocument.read(now.document());
    Complaints complaints = new Complaints();
    ShownBans base = null;
    boolean usable = now.data().containsKey(BlocklistStore.DOCUMENT);
    DocumentStamp stamp = written.stamp();
    if (usable && stamp != null) {
      switch (base(stamp)) {
        case PastDocuments.Answer.Known known -> base = known.shown();
        case PastDocuments.Answer.Refused refused -> {
          complaints.add("nothing was changed: " + refused.why());
          usable = false;
        }
      }
    }
    if (usable) {
      complaints = carryOut(now, written, base);
    }
    shown = null;
    if (!complaints.isEmpty()) {
      complain(now, complaints);
    }
  }

  private PastDocuments.Answer base(DocumentStamp stamp) {
    ShownBans known = shown;
    return known != null && known.stamp().equals(stamp)
        ? new PastDocuments.Answer.Known(known)
        : past.find(stamp);
  }

  private Complaints carryOut(Found now, WrittenDocument written, @Nullable ShownBans base) {
    while (true) {
      BlocklistHands.Outcome[] last = new BlocklistHands.Outcome[1];
      BanWriter.Outcome outcome =
          writer.write((state, at) -> {
            if (EditName.of(now).isCarriedOut(state.lastEdit())) {
              last[0] = new BlocklistHands.Outcome(List.of(), new Complaints(), false);
              return List.of();
            }
            boolean imported =
                state.head() == 0 && base == null && !now.data().containsKey(DocumentData.DIGEST);
            String by = imported ? IMPORT : now.by().isEmpty() ? UNKNOWN : now.by();
            BlocklistHands.Edit edit = new BlocklistHands.Edit(EditName.of(now).toString(), by);
            last[0] = BlocklistHands.absorb(written, base, edit, state, at, protection.get());
            return last[0].events();
          });
      switch (outcome) {
        case BanWriter.Outcome.Written done -> {
          logger
              .atInfo()
              .addKeyValue("resourceVersion", now.version())
              .addKeyValue("by", now.by())
              .addKeyValue("events", done.events().size())
              .log("a change of the blocklist was carried out");
        }
        case BanWriter.Outcome.Full full ->
            throw BanLogException.transientFailure(
                "a change of the blocklist waits: " + full.reason());
        case BanWriter.Outcome.Contended contended ->
            throw BanLogException.transientFailure(
                "a change of the blocklist waits: other writers were faster each time");
      }
      if (!last[0].more()) {
        return last[0].complaints();
      }
    }
  }

  private void complain(Found now, Complaints complaints) {
    for (String complaint : complaints.kept()) {
      logger
          .atWarn()
          .addKeyValue("by", now.by())
          .addKeyValue("resourceVersion", now.version())
          .addKeyValue("complaint", complaint)
          .log("a part of a change of the blocklist was refused");
    }
    try {
      store.tell(now, complaints.text(BlocklistStore.MAX_NOTE_BYTES));
    } catch (BlocklistStoreException e) {
      // It stands in our own log lines; what was right in the change must go on.
      logger.atWarn().setCause(e).log("a note for people could not be left");
    }
  }

  // ---- showing

  private boolean isBehind() {
    ShownBans known = shown;
    return known == null
        || known.stamp().version() < head.get()
        || !known.nextEnd().isAfter(clock.instant());
  }

  private boolean isDue() {
    return isBehind() && writeFrom - nanoTime.getAsLong() <= 0;
  }

  private void show() {
    ShownBans[] next = new ShownBans[1];
    BanWriter.Outcome ignored =
        writer.write((state, at) -> {
          next[0] = ShownBans.of(state, at);
          return List.of();
        });
    try {
      Found before = found;
      if (before == null) {
        // Empty, so that the document can say what it was written over.
        before = store.create(Map.of());
        wrote(before);
      }
      Map<String, @Nullable String> data = DocumentData.of(next[0], before);
      wrote(store.update(before, data));
      shown = next[0];
      conflicts = 0;
      writeFrom = nanoTime.getAsLong() + DocumentData.size(data) * 1_000_000_000L / BYTES_A_SECOND;
    } catch (BlocklistStoreException e) {
      if (e.kind() != BlocklistStoreException.Kind.CONFLICT) {
        throw e;
      }
      // Somebody changed it: the watch brings what, and that comes first.
      writeFrom = nanoTime.getAsLong() + CONFLICT_PAUSE.toNanos();
      if (++conflicts >= MAX_CONFLICTS || watching == null) {
        stopWatching();
      }
    }
  }

  private void wrote(Found now) {
    found = now;
    if (watching == null) {
      watching = store.watch(now.version(), inbox);
    } else {
      echoes.add(now.version());
    }
  }

  // ---- end

  private void stopWatching() {
    BlocklistStore.Watching running = watching;
    watching = null;
    if (running != null) {
      running.close();
    }
  }

  private void stopFollowing() {
    BanLog.Subscription running = following;
    following = null;
    if (running != null) {
      running.close();
    }
  }

  /** Ends what it listens to; what is shown stays. Not while a step is running. */
  @Override
  public void close() {
    stopWatching();
    stopFollowing();
  }
}
