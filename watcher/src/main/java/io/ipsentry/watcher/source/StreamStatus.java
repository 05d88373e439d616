package io.ipsentry.watcher.source;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One file, standard input or journal that is read.
 *
 * @param label the path, {@code -}, or {@code journal}
 * @param state what is being done with it
 * @param inode number of the file; 0 when there is none
 * @param position bytes delivered from the start of the file; of a journal or standard input, bytes
 *     read since the start of the process
 * @param size bytes the file has; equal to {@code position} where nothing has a size
 * @param lagBytes bytes that wait to be delivered
 * @param lines lines delivered since the start of the process
 * @param lastLineAt when a line was delivered last; null before the first
 * @param format {@link LineHandler#format()}; empty before the first line
 * @param note in words, what the state leaves open or what is wrong; empty when nothing is
 */
public record StreamStatus(
    String label,
    State state,
    long inode,
    long position,
    long size,
    long lagBytes,
    long lines,
    @Nullable Instant lastLineAt,
    String format,
    String note) {
  /** The same with something more to note. */
  public StreamStatus withNote(String more) {
    return new StreamStatus(
        label,
        state,
        inode,
        position,
        size,
        lagBytes,
        lines,
        lastLineAt,
        format,
        note.isEmpty() ? more : note + "; " + more);
  }

  /** What is being done with a stream. */
  public enum State {
    /** Read as it grows. */
    FOLLOWING,
    /** Renamed, deleted or replaced; read until its writer has let go of it. */
    DRAINING,
    /** Not there; read as soon as it is. */
    WAITING,
    /** There, but it cannot be read; tried again. */
    UNREADABLE,
    /** The same file as another stream's, which reads it. */
    SAME_FILE,
    /** Over; nothing will come. */
    ENDED
  }
}
