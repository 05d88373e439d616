package io.ipsentry.watcher.source;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The log of the container before the one that runs, in one round of a {@link PodStream}: when it
 * is asked for, and how often. Its lines go the way of all lines; here is only what is read.
 *
 * <p>An answer may break off unnoticed, so it is asked for again while it gives news or fails, and
 * as long as the line that was delivered last is in neither log, each up to a limit. Confined to
 * the polling thread.
 */
final class EarlierLog {
  /** A log of a container that was started again may be quiet: then the one before is asked for. */
  static final Duration PATIENCE = Duration.ofSeconds(1);

  /** It is asked for anew while it gives new lines or fails, so often at most. */
  private static final int MAX_ASKED = 20;

  /** And as long as the line that was delivered last did not come, so often. */
  private static final int MAX_WITHOUT_LAST = 5;

  private final LongSupplier nanoTicker;
  private @Nullable ReadAhead log;
  private @Nullable LineBuffer buffer;
  private SeenLines.@Nullable Repeats repeats;
  private boolean due;
  private long at;

  /** There is none. */
  private boolean none;

  /** It is to be read before the log of the one that runs. */
  private boolean wanted;

  private int asked;
  private int withoutLast;
  private long newLines;
  private Duration pause = PodStream.FIRST_PAUSE;

  /** The first line of the one that runs, which waits for what this one says. */
  private byte @Nullable [] held;

  EarlierLog(LongSupplier nanoTicker) {
    this.nanoTicker = nanoTicker;
  }

  /**
   * Another round begins. Whether there is an earlier log is not known even of a container that was
   * never reported to have been started again: reports come later than logs.
   */
  void begin() {
    wanted = true;
    asked = 0;
    none = false;
    withoutLast = 0;
    held = null;
    pause = PodStream.FIRST_PAUSE;
  }

  // ---- asking

  /** It is asked for as soon as the next block is looked for. */
  void ask() {
    asked++;
    newLines = 0;
    due = true;
    at = nanoTicker.getAsLong();
  }

  private void askLater() {
    ask();
    at += pause.toNanos();
    pause = PodStream.longer(pause);
  }

  /** The line that was delivered last is in neither log, and an answer may have broken off. */
  void askAgainForLast() {
    withoutLast++;
    askLater();
  }

  /** As {@link #askAgainForLast}, at once, and a line waits for it. */
  void askForLast(byte[] waiting) {
    held = waiting;
    withoutLast++;
    ask();
  }

  /** Whether it may still have the line that was delivered last. */
  boolean mayHaveLast() {
    return !none && withoutLast < MAX_WITHOUT_LAST;
  }

  /** Asks for it if it is to be read first; true: it was. */
  boolean askIfWanted() {
    boolean was = wanted;
    if (was) {
      wanted = false;
      ask();
    }
    return was;
  }

  boolean wasAsked() {
    return asked > 0;
  }

  // ---- reading

  /** It is asked for, and not yet. */
  boolean isDue() {
    return due;
  }

  boolean isTooEarly() {
    return nanoTicker.getAsLong() - at < 0;
  }

  /** Its answer is being read from now on. */
  void open(ReadAhead answer, LineBuffer to, SeenLines.@Nullable Repeats known) {
    due = false;
    log = answer;
    buffer = to;
    repeats = known;
  }

  /** What is being read; null: nothing is. */
  @Nullable ReadAhead log() {
    return log;
  }

  @Nullable LineBuffer buffer() {
    return buffer;
  }

  SeenLines.@Nullable Repeats repeats() {
    return repeats;
  }

  boolean isRead() {
    return log != null;
  }

  void newLine() {
    newLines++;
  }

  /** What came of an answer. */
  enum Ended {
    /** It is asked for again. */
    ASKED_AGAIN,
    /** It is read. */
    READ,
    /** It cannot be read, and is given up. */
    GIVEN_UP
  }

  /**
   * Its answer has ended.
   *
   * @param isNone there is no such log
   * @param failed it broke off, or could not be asked for
   */
  Ended ended(boolean isNone, boolean failed) {
    LineBuffer read = buffer;
    // A line without its end is one that was cut off.
    boolean torn = read != null && read.pending() > 0;
    log = null;
    buffer = null;
    repeats = null;
    none |= isNone;
    // An end may be that of a kubelet that was cut off: only an answer without news is the last.
    if ((failed || torn || newLines > 0) && asked < MAX_ASKED) {
      if (failed || torn) {
        askLater();
      } else {
        ask();
      }
      return Ended.ASKED_AGAIN;
    }
    return failed && !torn ? Ended.GIVEN_UP : Ended.READ;
  }

  /** The line that waits, once; null: none does. */
  byte @Nullable [] takeHeld() {
    byte[] waiting = held;
    held = null;
    return waiting;
  }

  void close() {
    if (log != null) {
      log.close();
    }
  }
}
