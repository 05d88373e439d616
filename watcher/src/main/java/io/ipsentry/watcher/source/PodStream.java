package io.ipsentry.watcher.source;

import io.ipsentry.kubernetes.pods.PodContainer;
import io.ipsentry.kubernetes.pods.PodLogException;
import io.ipsentry.kubernetes.pods.PodLogs;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The log of one container of one pod, read in rounds: asked for from the second of what was read
 * last, followed until it ends, and so again until the container has ended and nothing new came.
 * One virtual thread reads, a few blocks ahead; then it waits, and so do the API server, the
 * kubelet and at last the file, which the runtime goes on to write.
 *
 * <p>A container that was started again in between: the log that is asked for is that of the one
 * that runs, whoever that is by then. So when the first of it comes, and before it is taken, the
 * log of the one before is asked for from the same second ({@link EarlierLog}). Whichever was
 * meant, each line is in one of the two or in both, and {@link SeenLines} takes it once.
 *
 * <p>Confined to the polling thread.
 */
final class PodStream {
  static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  /** Of a pod that is gone, a log that gives nothing for so long is given up. */
  static final Duration GONE_PATIENCE = Duration.ofSeconds(30);

  /** So long after bytes came, more are likely to be on their way. */
  private static final Duration ON_ITS_WAY = Duration.ofMillis(500);

  static final int BLOCKS = 4;
  static final int BLOCK_BYTES = 32 * 1024;

  private final String source;
  private final PodContainer.Key key;
  private final Shared shared;
  private final SeenLines seen;
  private final RuntimeStamp stamp = new RuntimeStamp();
  private final LineBuffer buffer = newBuffer();
  private final LineHandler capture = this::captured;

  /** As it was reported last. */
  private PodContainer known;

  /** Not selected any more: deleted, as a rule. */
  private boolean gone;

  /** As it was when its log had been read to the end; null: there is more. */
  private @Nullable PodContainer settled;

  /** The last answer was whole, and nothing is likely to have come behind it. */
  private boolean confirmed;

  private boolean finished;
  private @Nullable LineHandler handler;

  // A round.
  private final EarlierLog earlier;
  private @Nullable ReadAhead log;
  private boolean begun;
  private int restartsThen;
  private int rounds;
  private long since;
  private long newLines;
  private boolean lastCame;
  private boolean resumed;
  private boolean wasQuiet;
  private SeenLines.@Nullable Repeats repeats;
  private int tail;

  private final HeadLine head = new HeadLine();

  // Times, in nanoseconds.
  private long openedAt;
  private long bytesAt;
  private long notBefore;
  private long goneAt;
  private Duration pause = FIRST_PAUSE;

  private final PodStreamTrouble trouble;
  private long lastMicros;
  private long lastLineAtMillis = -1;
  private long bytes;
  private long lines;
  private long reconnects;
  private long repeated;
  private long unread;

  /**
   * What the streams of a source share.
   *
   * @param floorMicros earlier lines are not wanted
   * @param wakeUp called by the reading threads when there is something to take
   */
  record Shared(
      PodLogs logs,
      LineHandlerFactory handlers,
      InstantSource clock,
      LongSupplier nanoTicker,
      long floorMicros,
      Runnable wakeUp) {}

  /**
   * @param seen what was delivered of this log before
   */
  PodStream(String source, PodContainer container, SeenLines seen, Shared shared) {
    this.source = source;
    this.seen = seen;
    this.key = container.key();
    this.known = container;
    this.shared = shared;
    earlier = new EarlierLog(shared.nanoTicker());
    trouble = new PodStreamTrouble(source, key);
    lastMicros = shared.floorMicros();
    notBefore = now();
  }

  private long now() {
    return shared.nanoTicker().getAsLong();
  }

  /** What was delivered, to be stored or restored. */
  SeenLines seen() {
    return seen;
  }

  /** The container is as this now. */
  void known(PodContainer container) {
    if (!container.equals(known)) {
      // What was waited for may have come.
      notBefore = Math.min(notBefore, now());
      pause = FIRST_PAUSE;
    }
    known = container;
    gone = false;
  }

  /** It is not selected any more. */
  void gone() {
    if (!gone) {
      gone = true;
      goneAt = now();
    }
  }

  /** Nothing will come any more, and the handler knows. */
  boolean isFinished() {
    return finished;
  }

  // ---- lines

  /** Whether a line waits that is to be delivered; looks for one. */
  boolean hasLine() {
    while (!head.isThere() && !finished) {
      if (log == null) {
        if (!start()) {
          break;
        }
      } else if (!takeBlock()) {
        break;
      }
    }
    return head.isThere();
  }

  /** Stamp of the line that waits, in microseconds since the epoch. */
  long headMicros() {
    return head.micros();
  }

  /** Delivers the line that waits; returns its bytes. */
  int deliver() {
    long observed = shared.clock().millis();
    boolean ignored = head.deliver(handler(), observed);
    if (newLines == 0 && !earlier.isRead() && resumed && !lastCame()) {
      trouble.gap(
          "the kubelet no longer has the line that was read last; lines between may be missing");
    }
    seen.add(head.second(), head.hash());
    if (earlier.isRead()) {
      earlier.newLine();
    } else {
      newLines++;
    }
    lines++;
    lastMicros = Math.max(lastMicros, head.micros());
    lastLineAtMillis = observed;
    int length = head.length();
    capturedNext();
    return length;
  }

  /** Whether the line that was delivered last came again in this round. */
  private boolean lastCame() {
    SeenLines.Repeats counted = repeats;
    return lastCame || counted != null && counted.lastCame();
  }

  private LineHandler handler() {
    LineHandler open = handler;
    if (open == null) {
      open = shared.handlers().open(new StreamInfo(source, key.toString(), null));
      handler = open;
    }
    return open;
  }

  private boolean captured(byte[] b, int from, int to, long observedAtMillis) {
    if (!stamp.read(b, from, to)) {
      if (to > from) {
        unread++;
      }
      return true;
    }
    long hash = SeenLines.hash(b, from, to);
    SeenLines.Repeats counted = earlier.isRead() ? earlier.repeats() : repeats;
    if (counted != null) {
      if (counted.take(stamp.second(), hash)) {
        repeated++;
        return true;
      }
      if (counted.isOver(stamp.second()) && newLines > 0) {
        repeats = null;
      }
    }
    if (!earlier.isRead() && newLines == 0 && isLastMissing()) {
      // It may be in the log of the container before, whose answer broke off unnoticed.
      earlier.askForLast(Arrays.copyOfRange(b, from, to));
      return true;
    }
    head.set(b, from, to, stamp, hash);
    return true;
  }

  private boolean isLastMissing() {
    return resumed && !lastCame() && earlier.mayHaveLast();
  }

  /** Looks for the next line in what was taken already. */
  private void capturedNext() {
    boolean more = true;
    while (!head.isThere() && more) {
      LineBuffer from = earlier.isRead() ? earlier.buffer() : buffer;
      more = from != null && !earlier.isDue() && from.deliverOne(capture, 0);
    }
  }

  // ---- rounds

  /** Asks for the log if that is due; false: it is not. */
  private boolean start() {
    long now = now();
    if (gone) {
      if (rounds > 0 && !confirmed) {
        trouble.gap("the pod was deleted before its log was read to the end");
      }
      finish();
      return false;
    }
    boolean isRead = settled != null && settled.equals(known);
    if (isRead || known.instance().isEmpty() || now - notBefore < 0) {
      return false;
    }
    settled = null;
    rounds++;
    if (rounds > 1 && !wasQuiet) {
      reconnects++;
    }
    wasQuiet = false;
    since = TimeUnit.MICROSECONDS.toSeconds(shared.floorMicros());
    if (!seen.isEmpty()) {
      since = Math.max(since, seen.since());
    }
    begun = false;
    resumed = !seen.isEmpty();
    earlier.begin();
    restartsThen = known.restarts();
    newLines = 0;
    lastCame = false;
    repeats = null;
    openedAt = now;
    bytesAt = now;
    buffer.clear();
    log = open(false, true);
    return true;
  }

  private ReadAhead open(boolean previous, boolean follow) {
    Optional<Instant> from =
        since <= 0 ? Optional.empty() : Optional.of(Instant.ofEpochSecond(since));
    PodLogs.Part part = new PodLogs.Part(from, previous, follow);
    return ReadAhead.startVirtual(
        "log of " + key, () -> shared.logs().open(key, part), BLOCKS, BLOCK_BYTES, shared.wakeUp());
  }

  /** Takes the next block; false: there is none at the moment. */
  private boolean takeBlock() {
    if (earlier.isDue()) {
      if (earlier.isTooEarly()) {
        return false;
      }
      // Of what an answer before gave, only the newest lines are remembered.
      since = seen.isEmpty() ? since : Math.max(since, seen.since());
      SeenLines.Repeats given = seen.isEmpty() && since <= 0 ? null : seen.repeats(since);
      bytesAt = now();
      earlier.open(open(true, false), newBuffer(), given);
    }
    ReadAhead before = earlier.log();
    if (before != null) {
      ReadAhead.Block block = before.poll();
      if (block != null && block.isEnd()) {
        earlierEnded(before, block);
      } else if (block != null) {
        take(before, block, earlier.buffer());
      }
      return block != null;
    }
    ReadAhead from = log;
    if (from == null) {
      return false;
    }
    if (!begun && !begin(from)) {
      return earlier.isDue();
    }
    ReadAhead.Block block = from.poll();
    if (block == null) {
      if (gone && now() - Math.max(goneAt, bytesAt) > GONE_PATIENCE.toNanos()) {
        trouble.gap("the pod is gone, and its log does not end");
        from.close();
        log = null;
        finish();
      }
      return false;
    }
    if (block.isEnd()) {
      ended(from, block);
    } else {
      take(from, block, buffer);
    }
    return true;
  }

  /** Whether the log can be taken now; before that, the one of the container before it is. */
  private boolean begin(ReadAhead from) {
    ReadAhead.Block first = from.peek();
    boolean cannot = first != null && first.isEnd() && first.failure() != null;
    if (first == null) {
      boolean quiet = now() - openedAt > EarlierLog.PATIENCE.toNanos();
      boolean restarted = known.restarts() > restartsThen || known.restarts() > 0 && quiet;
      if (restarted && !earlier.wasAsked()) {
        earlier.ask();
      } else if (restarted && isLastMissing()) {
        // What the one before said last is not here, and an answer may have broken off unnoticed.
        earlier.askAgainForLast();
      }
      return false;
    }
    if (!cannot && earlier.askIfWanted()) {
      return false;
    }
    begun = true;
    since = seen.isEmpty() ? since : Math.max(since, seen.since());
    repeats = seen.isEmpty() && since <= 0 ? null : seen.repeats(since);
    return true;
  }

  private static LineBuffer newBuffer() {
    return new LineBuffer(BLOCK_BYTES + 2 * LineSource.MAX_LINE_BYTES);
  }

  private void take(ReadAhead from, ReadAhead.Block block, @Nullable LineBuffer to) {
    if (to == null) {
      throw new IllegalStateException("a log that is read has a buffer");
    }
    to.room();
    System.arraycopy(block.bytes(), 0, to.bytes(), to.end(), block.length());
    to.added(block.length());
    bytes += block.length();
    bytesAt = now();
    from.recycle(block);
    trouble.none();
    capturedNext();
  }

  private void earlierEnded(ReadAhead from, ReadAhead.Block end) {
    from.close();
    SeenLines.Repeats counted = earlier.repeats();
    lastCame |= counted != null && counted.lastCame();
    boolean isNone =
        end.failure() instanceof PodLogException refused
            && refused.reason() == PodLogException.Reason.NO_LOG;
    switch (earlier.ended(isNone, end.failure() != null && !isNone)) {
      case ASKED_AGAIN -> {
        return;
      }
      case GIVEN_UP ->
          trouble.gap("the log of the container before cannot be read: " + end.failure());
      case READ -> {
        // Now the one that runs.
      }
    }
    byte[] first = earlier.takeHeld();
    if (first != null) {
      since = Math.max(since, seen.since());
      repeats = seen.repeats(since);
      boolean ignored = captured(first, 0, first.length, 0);
      if (!head.isThere()) {
        capturedNext();
      }
    }
  }

  static Duration longer(Duration pause) {
    Duration doubled = pause.multipliedBy(2);
    return doubled.compareTo(LONGEST_PAUSE) < 0 ? doubled : LONGEST_PAUSE;
  }

  private void ended(ReadAhead from, ReadAhead.Block end) {
    from.close();
    log = null;
    IOException failure = end.failure();
    int before = tail;
    tail = buffer.pending();
    boolean atEnd = newLines == 0 && failure == null;
    if (atEnd && tail > 0 && tail == before && !known.running()) {
      // The last line has no end, and never will: the container stopped inside of it.
      buffer.deliverLast(capture, 0);
    }
    if (failure instanceof PodLogException refused) {
      refused(refused);
    } else if (failure != null) {
      trouble.brokeOff(failure);
    } else {
      trouble.none();
    }
    if (newLines > 0) {
      pause = FIRST_PAUSE;
    }
    boolean isThere =
        !(failure instanceof PodLogException refused)
            || refused.reason() != PodLogException.Reason.NO_LOG;
    if (isThere) {
      confirmed = failure == null && (newLines == 0 || !known.running());
    }
    if (!gone && atEnd && !known.running()) {
      settled = known;
    }
    notBefore = now() + pause.toNanos();
    pause = longer(pause);
  }

  private void refused(PodLogException refused) {
    if (refused.reason() == PodLogException.Reason.QUIET) {
      // Asked for again at once; it is no fault.
      pause = FIRST_PAUSE;
      wasQuiet = true;
    } else {
      trouble.refused(refused, gone);
    }
  }

  private void finish() {
    finished = true;
    LineHandler open = handler;
    if (open != null) {
      open.end();
    }
  }

  /** Ends the reading threads; what was delivered stays as it is. */
  void close() {
    earlier.close();
    if (log != null) {
      log.close();
    }
    finished = true;
  }

  // ---- state

  /**
   * Up to which stamp lines of others may be delivered, in microseconds, so that lines that are
   * read again come about in their order; {@link Long#MAX_VALUE}: this one holds up nobody.
   *
   * @param first whether everybody begins to read just now
   */
  long holdsUntil(boolean first, long tolerance) {
    if (head.isThere() || finished || settled != null) {
      return Long.MAX_VALUE;
    }
    long now = now();
    boolean begins = first && rounds <= 1 && !begun;
    boolean behind =
        TimeUnit.MICROSECONDS.toMillis(lastMicros + tolerance) < shared.clock().millis()
            && lines > 0
            && now - bytesAt < ON_ITS_WAY.toNanos();
    boolean asksEarlier = earlier.isRead() && now - bytesAt < EarlierLog.PATIENCE.toNanos();
    return begins || behind || asksEarlier ? lastMicros + tolerance : Long.MAX_VALUE;
  }

  boolean isOpen() {
    return log != null;
  }

  PodStreamTrouble trouble() {
    return trouble;
  }

  long lagBytes() {
    ReadAhead from = log;
    return buffer.pending() + (from == null ? 0 : from.waitingBytes());
  }

  /** By how much the line that was read last is behind; 0: nothing waits. */
  long lagMillis() {
    return lines == 0 || lagBytes() == 0
        ? 0
        : Math.max(0, shared.clock().millis() - TimeUnit.MICROSECONDS.toMillis(lastMicros));
  }

  long lines() {
    return lines;
  }

  long bytes() {
    return bytes;
  }

  long lastLineAtMillis() {
    return lastLineAtMillis;
  }

  long reconnects() {
    return reconnects;
  }

  long repeated() {
    return repeated;
  }

  long unread() {
    return unread;
  }

  StreamStatus status() {
    boolean well = trouble.problem().isEmpty();
    StreamStatus.State state =
        gone
            ? StreamStatus.State.DRAINING
            : log != null && well
                ? StreamStatus.State.FOLLOWING
                : well || settled != null
                    ? StreamStatus.State.WAITING
                    : StreamStatus.State.UNREADABLE;
    long lag = lagBytes();
    LineHandler open = handler;
    return new StreamStatus(
        key.toString(),
        state,
        0,
        bytes - lag,
        bytes,
        lag,
        lines,
        lastLineAtMillis < 0 ? null : Instant.ofEpochMilli(lastLineAtMillis),
        open == null ? "" : open.format(),
        trouble.note());
  }
}
