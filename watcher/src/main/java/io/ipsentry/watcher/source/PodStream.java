package io.ipsentry.watcher.source;

import io.ipsentry.kubernetes.pods.PodContainer;
import io.ipsentry.kubernetes.pods.PodLogException;
import io.ipsentry.kubernetes.pods.PodLogs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The log of one container of one pod, read in rounds: asked for from the second of what was read
 * last, followed until it ends, and so again until the container has ended and nothing new came.
 * One virtual thread reads, a few blocks ahead; then it waits, and so do the API server, the
 * kubelet and at last the file, which the runtime goes on to write.
 *
 * <p>A container that was started again in between: the log that is asked for is that of the one
 * that runs, whoever that is by then. So when the first of it comes, and before it is taken, the
 * log of the one before is asked for from the same second. Whichever was meant, each line is in one
 * of the two or in both, and {@link SeenLines} takes it once.
 *
 * <p>Confined to the polling thread.
 */
final class PodStream {
  static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  /** Of a pod that is gone, a log that gives nothing for so long is given up. */
  static final Duration GONE_PATIENCE = Duration.ofSeconds(30);

  /** A log of a container that was started again may be quiet: then the one before is asked for. */
  private static final Duration EARLIER_PATIENCE = Duration.ofSeconds(1);

  /** A log of the container before is asked for anew while it gives new lines, so often at most. */
  private static final int MAX_EARLIER = 20;

  /** And as long as the line that was delivered last did not come, so often. */
  private static final int MAX_WITHOUT_LAST = 5;

  /** So long after bytes came, more are likely to be on their way. */
  private static final Duration ON_ITS_WAY = Duration.ofMillis(500);

  static final int BLOCKS = 4;
  static final int BLOCK_BYTES = 32 * 1024;

  /** What the runtime writes between stamp and content of a whole line. */
  private static final byte[] WHOLE = "stdout F ".getBytes(StandardCharsets.US_ASCII);

  private static final Logger logger = LoggerFactory.getLogger(PodStream.class);

  private final String source;
  private final PodContainer.Key key;
  private final Shared shared;
  private final SeenLines seen;
  private final RuntimeStamp stamp = new RuntimeStamp();
  private final LineBuffer buffer = newBuffer();
  private final byte[] wrapped = new byte[LineSource.MAX_LINE_BYTES + WHOLE.length];
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
  private @Nullable ReadAhead log;
  private @Nullable ReadAhead earlier;
  private @Nullable LineBuffer earlierBuffer;
  private SeenLines.@Nullable Repeats earlierRepeats;
  private boolean earlierDue;
  private long earlierAt;
  private boolean noEarlier;
  private int withoutLast;
  private Duration earlierPause = FIRST_PAUSE;
  private byte @Nullable [] held;
  private boolean begun;
  private boolean earlierWanted;
  private int earlierAsked;
  private int restartsThen;
  private int rounds;
  private long since;
  private long newLines;
  private long newEarlier;
  private boolean lastCame;
  private boolean resumed;
  private boolean wasQuiet;
  private SeenLines.@Nullable Repeats repeats;
  private int tail;

  // The line that is next.
  private boolean hasHead;
  private byte[] headBytes = {};
  private int headFrom;
  private int headTo;
  private long headMicros;
  private long headSecond;
  private long headHash;
  private int headContent;

  // Times, in nanoseconds.
  private long openedAt;
  private long bytesAt;
  private long notBefore;
  private long goneAt;
  private Duration pause = FIRST_PAUSE;

  private long lastMicros;
  private long lastLineAtMillis = -1;
  private long bytes;
  private long lines;
  private long reconnects;
  private long repeated;
  private long gaps;
  private long unread;
  private long failures;
  private String problem = "";
  private boolean forbidden;

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
    while (!hasHead && !finished) {
      if (log == null) {
        if (!start()) {
          break;
        }
      } else if (!takeBlock()) {
        break;
      }
    }
    return hasHead;
  }

  /** Stamp of the line that waits, in microseconds since the epoch. */
  long headMicros() {
    return headMicros;
  }

  /** Delivers the line that waits; returns its bytes. */
  int deliver() {
    byte[] b = headBytes;
    int stampLength = headContent - headFrom;
    int contentLength = headTo - headContent;
    System.arraycopy(b, headFrom, wrapped, 0, stampLength);
    System.arraycopy(WHOLE, 0, wrapped, stampLength, WHOLE.length);
    int content = stampLength + WHOLE.length;
    System.arraycopy(b, headContent, wrapped, content, contentLength);
    long observed = shared.clock().millis();
    boolean ignored = handler().line(wrapped, 0, content + contentLength, observed);
    hasHead = false;
    if (newLines == 0 && earlier == null && resumed && !lastCame()) {
      gap("the kubelet no longer has the line that was read last; lines between may be missing");
    }
    seen.add(headSecond, headHash);
    if (earlier == null) {
      newLines++;
    } else {
      newEarlier++;
    }
    lines++;
    lastMicros = Math.max(lastMicros, headMicros);
    lastLineAtMillis = observed;
    int length = headTo - headFrom + 1;
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
    SeenLines.Repeats counted = earlier == null ? repeats : earlierRepeats;
    if (counted != null) {
      if (counted.take(stamp.second(), hash)) {
        repeated++;
        return true;
      }
      if (counted.isOver(stamp.second()) && newLines > 0) {
        repeats = null;
      }
    }
    if (earlier == null && newLines == 0 && isLastMissing()) {
      // It may be in the log of the container before, whose answer broke off unnoticed.
      held = Arrays.copyOfRange(b, from, to);
      withoutLast++;
      askEarlier();
      return true;
    }
    hasHead = true;
    headBytes = b;
    headFrom = from;
    headTo = to;
    headContent = stamp.end();
    headMicros = stamp.micros();
    headSecond = stamp.second();
    headHash = hash;
    return true;
  }

  private boolean isLastMissing() {
    return resumed && !lastCame() && !noEarlier && withoutLast < MAX_WITHOUT_LAST;
  }

  /** Looks for the next line in what was taken already. */
  private void capturedNext() {
    boolean more = true;
    while (!hasHead && more) {
      LineBuffer from = earlier == null ? buffer : earlierBuffer;
      more = from != null && !earlierDue && from.deliverOne(capture, 0);
    }
  }

  // ---- rounds

  /** Asks for the log if that is due; false: it is not. */
  private boolean start() {
    long now = now();
    if (gone) {
      if (rounds > 0 && !confirmed) {
        gap("the pod was deleted before its log was read to the end");
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
    earlierWanted = resumed || known.restarts() > 0;
    earlierAsked = 0;
    restartsThen = known.restarts();
    newLines = 0;
    lastCame = false;
    repeats = null;
    noEarlier = false;
    withoutLast = 0;
    held = null;
    earlierPause = FIRST_PAUSE;
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
    if (earlierDue) {
      if (now() - earlierAt < 0) {
        return false;
      }
      earlierDue = false;
      // Of what an answer before gave, only the newest lines are remembered.
      since = seen.isEmpty() ? since : Math.max(since, seen.since());
      earlierRepeats = seen.isEmpty() && since <= 0 ? null : seen.repeats(since);
      earlierBuffer = newBuffer();
      bytesAt = now();
      earlier = open(true, false);
    }
    ReadAhead before = earlier;
    if (before != null) {
      ReadAhead.Block block = before.poll();
      if (block != null && block.isEnd()) {
        earlierEnded(before, block);
      } else if (block != null) {
        take(before, block, earlierBuffer);
      }
      return block != null;
    }
    ReadAhead from = log;
    if (from == null) {
      return false;
    }
    if (!begun && !begin(from)) {
      return earlierDue;
    }
    ReadAhead.Block block = from.poll();
    if (block == null) {
      if (gone && now() - Math.max(goneAt, bytesAt) > GONE_PATIENCE.toNanos()) {
        gap("the pod is gone, and its log does not end");
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
      boolean quiet = now() - openedAt > EARLIER_PATIENCE.toNanos();
      boolean restarted = known.restarts() > restartsThen || known.restarts() > 0 && quiet;
      if (restarted && earlierAsked == 0) {
        askEarlier();
      } else if (restarted && isLastMissing()) {
        // What the one before said last is not here, and an answer may have broken off unnoticed.
        withoutLast++;
        askEarlier();
        earlierAt = now() + earlierPause.toNanos();
        earlierPause = longer(earlierPause);
      }
      return false;
    }
    if (earlierWanted && !cannot) {
      earlierWanted = false;
      askEarlier();
      return false;
    }
    begun = true;
    since = seen.isEmpty() ? since : Math.max(since, seen.since());
    repeats = seen.isEmpty() && since <= 0 ? null : seen.repeats(since);
    return true;
  }

  private void askEarlier() {
    earlierAsked++;
    newEarlier = 0;
    earlierDue = true;
    earlierAt = now();
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
    if (!problem.isEmpty()) {
      problem = "";
      forbidden = false;
    }
    capturedNext();
  }

  private void earlierEnded(ReadAhead from, ReadAhead.Block end) {
    from.close();
    SeenLines.Repeats counted = earlierRepeats;
    lastCame |= counted != null && counted.lastCame();
    LineBuffer read = earlierBuffer;
    boolean torn = read != null && read.pending() > 0;
    earlier = null;
    earlierBuffer = null;
    earlierRepeats = null;
    boolean isNone =
        end.failure() instanceof PodLogException refused
            && refused.reason() == PodLogException.Reason.NO_LOG;
    // A line without its end is one that was cut off.
    boolean failed = end.failure() != null && !isNone || torn;
    noEarlier |= isNone;
    // An end may be that of a kubelet that was cut off: only an answer without news is the last.
    if ((failed || newEarlier > 0) && earlierAsked < MAX_EARLIER) {
      askEarlier();
      if (failed) {
        earlierAt = now() + earlierPause.toNanos();
        earlierPause = longer(earlierPause);
      }
      return;
    }
    if (failed && !torn) {
      gap("the log of the container before cannot be read: " + end.failure());
    }
    byte[] first = held;
    if (first != null) {
      held = null;
      since = Math.max(since, seen.since());
      repeats = seen.repeats(since);
      boolean ignored = captured(first, 0, first.length, 0);
      if (!hasHead) {
        capturedNext();
      }
    }
  }

  private static Duration longer(Duration pause) {
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
      failures++;
      problem = "the connection broke: " + failure.getMessage();
    } else {
      problem = "";
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
    switch (refused.reason()) {
      case QUIET -> {
        // Asked for again at once; it is no fault.
        pause = FIRST_PAUSE;
        wasQuiet = true;
      }
      case NO_LOG -> problem = gone ? "" : String.valueOf(refused.getMessage());
      case FORBIDDEN -> {
        forbidden = true;
        trouble(refused);
      }
      case UNAVAILABLE -> trouble(refused);
    }
  }

  private void trouble(PodLogException refused) {
    failures++;
    String now = String.valueOf(refused.getMessage());
    if (!now.equals(problem)) {
      logger
          .atWarn()
          .addKeyValue("source", source)
          .addKeyValue("container", key)
          .addKeyValue("cause", now)
          .log("log of a container cannot be read; it is tried again");
    }
    problem = now;
  }

  private void gap(String why) {
    gaps++;
    logger
        .atWarn()
        .addKeyValue("source", source)
        .addKeyValue("container", key)
        .addKeyValue("cause", why)
        .log("lines of a container may be missing");
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
    if (earlier != null) {
      earlier.close();
    }
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
    if (hasHead || finished || settled != null) {
      return Long.MAX_VALUE;
    }
    long now = now();
    boolean begins = first && rounds <= 1 && !begun;
    boolean behind =
        TimeUnit.MICROSECONDS.toMillis(lastMicros + tolerance) < shared.clock().millis()
            && lines > 0
            && now - bytesAt < ON_ITS_WAY.toNanos();
    boolean asksEarlier = earlier != null && now - bytesAt < EARLIER_PATIENCE.toNanos();
    return begins || behind || asksEarlier ? lastMicros + tolerance : Long.MAX_VALUE;
  }

  boolean isOpen() {
    return log != null;
  }

  boolean isForbidden() {
    return forbidden;
  }

  String problem() {
    return problem;
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

  long failures() {
    return failures;
  }

  long reconnects() {
    return reconnects;
  }

  long repeated() {
    return repeated;
  }

  long gaps() {
    return gaps;
  }

  long unread() {
    return unread;
  }

  StreamStatus status() {
    StreamStatus.State state =
        gone
            ? StreamStatus.State.DRAINING
            : log != null && problem.isEmpty()
                ? StreamStatus.State.FOLLOWING
                : problem.isEmpty() || settled != null
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
        problem.isEmpty() && gaps > 0 ? gaps + " times lines may be missing" : problem);
  }
}
