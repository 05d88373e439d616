package io.ipsentry.watcher.source;

import java.nio.file.Path;
import java.util.Set;

/**
 * A place that lines come from, polled by one thread.
 *
 * <p>All methods are for the polling thread, except {@link #status()}, which any thread may call.
 * Trouble with the outside (a file that cannot be opened, a child process that ended) is never an
 * exception: it shows in the status, is logged once and tried again.
 */
public interface LineSource extends AutoCloseable {
  /**
   * A line is cut at this many bytes, its end not counted; what follows is skipped to the next
   * line.
   */
  int MAX_LINE_BYTES = 16 * 1024;

  /** Name of the source, unique in a configuration: it is the key of the stored checkpoint. */
  String name();

  /**
   * Delivers lines that are there, reading at most about {@code maxBytes}, and does the upkeep that
   * is due. Never waits for lines.
   *
   * @return true when more is ready at once
   */
  boolean poll(int maxBytes);

  /** What is read and how far, as of at most a second ago. */
  SourceStatus status();

  /**
   * Where to go on after a restart, as UTF-8 JSON: no line that was delivered is delivered again
   * after it, and none is left out. Inside a record of several lines it also says from where on
   * they are given to {@link LineHandler#again}. Store it together with what the handlers have
   * counted, taken between the same two polls.
   */
  byte[] checkpoint();

  /**
   * Takes up a checkpoint; before the first poll. Without this call the source starts as on its
   * first day.
   *
   * @throws CheckpointException if the bytes are not a checkpoint of such a source; nothing is
   *     changed then
   */
  void restore(byte[] checkpoint);

  /** True when nothing will ever come again, as after the end of standard input. */
  default boolean ended() {
    return false;
  }

  /**
   * Directories whose changes concern this source; asked after each poll, so the same object while
   * nothing changes. Real paths: no element is a symbolic link.
   */
  default Set<Path> directories() {
    return Set.of();
  }

  /**
   * Something happened to {@code path}.
   *
   * @param path a member of one of {@link #directories()}
   * @param entry true when a name appeared or went, false when content changed
   */
  default void changed(Path path, boolean entry) {}

  /** Events were lost: look at everything. */
  default void rescan() {}

  /**
   * Sets what to call, from any thread, when lines arrive that no directory event announces.
   *
   * @param wakeUp quick and safe for any thread
   */
  default void onReady(Runnable wakeUp) {}

  /** Lets go of files and processes. Ends no stream: a checkpoint taken before stays right. */
  @Override
  void close();
}
