package io.ipsentry.watcher.source;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of one stream, oldest first, read one after the other into one handler.
 *
 * <p>A file that is no longer at the path is looked at for {@link #DRAIN_GRACE} after it grew last,
 * because a writer may still have it open; as long as no newer file has data, it is kept while it
 * has a name. A handler that is inside a record holds back the stored positions of all files.
 * Confined to the polling thread.
 */
final class FileChain {
  /** A rotated file is let go when it has not grown for so long and its successor has data. */
  static final Duration DRAIN_GRACE = Duration.ofSeconds(10);

  /**
   * A deleted file without a successor, or one that ends inside a record of several lines, is let
   * go when it has not grown for so long. Holding it longer would keep its disk space.
   */
  static final Duration DETACHED_GRACE = Duration.ofSeconds(60);

  private static final Logger logger = LoggerFactory.getLogger(FileChain.class);

  private final ReadContext context;
  private final FollowedPath owner;
  private final KnownFiles known;
  private final String label;
  private final List<TailedFile> files = new ArrayList<>();
  private @Nullable TailedFile current;
  private @Nullable LineHandler handler;
  private boolean clean = true;
  private long existenceCheckedAt;

  FileChain(ReadContext context, FollowedPath owner, KnownFiles known, String label) {
    this.context = context;
    this.owner = owner;
    this.known = known;
    this.label = label;
    existenceCheckedAt = context.nanos();
  }

  /** The file at the path, if there is one. */
  @Nullable TailedFile current() {
    return current;
  }

  void current(TailedFile file) {
    current = file;
  }

  /** The file at the path is another one from now on. Returns the one that was. */
  @Nullable TailedFile release() {
    TailedFile old = current;
    current = null;
    if (old != null) {
      old.touch(context.nanos());
    }
    return old;
  }

  List<TailedFile> files() {
    return Collections.unmodifiableList(files);
  }

  Optional<TailedFile> get(FileId id) {
    for (TailedFile file : files) {
      if (file.id().equals(id)) {
        return Optional.of(file);
      }
    }
    return Optional.empty();
  }

  /** Adds the newest file. */
  void append(TailedFile file) {
    files.add(file);
    context.owners().put(file.id(), owner);
  }

  /** Adds a file that is newer than all but the one at the path. */
  void insertBeforeCurrent(TailedFile file) {
    TailedFile here = current;
    if (here == null) {
      append(file);
    } else {
      insertBefore(here, file);
    }
  }

  /** Adds a file that is older than {@code newer}. */
  void insertBefore(TailedFile newer, TailedFile file) {
    insertAt(Math.max(0, files.indexOf(newer)), file);
  }

  /** Adds a file that is newer than {@code index} others. */
  void insertAt(int index, TailedFile file) {
    files.add(index, file);
    context.owners().put(file.id(), owner);
  }

  /** Takes a file out, open as it is. */
  void remove(TailedFile file) {
    files.remove(file);
    context.owners().remove(file.id(), owner);
    if (file.equals(current)) {
      current = null;
    }
  }

  boolean isDraining() {
    return files.size() > (current == null ? 0 : 1);
  }

  String format() {
    LineHandler open = handler;
    return open == null ? "" : open.format();
  }

  /** What came of reading. */
  sealed interface Result {
    /** All that was there is read. */
    record AtEnd(int bytes) implements Result {}

    /** There is more at once. */
    record More(int bytes) implements Result {}

    /** This file was truncated; nothing of the new content is read yet. */
    record Truncated(TailedFile file, int bytes) implements Result {}
  }

  /** Delivers what is there, about {@code maxBytes} at most. */
  Result read(int maxBytes) throws IOException {
    int used = 0;
    int at = 0;
    while (at < files.size()) {
      TailedFile file = files.get(at);
      int n = fill(file);
      if (n == TailedFile.REPLACED) {
        return new Result.Truncated(file, used);
      }
      if (n > 0) {
        split(file, n);
        used += n;
      }
      if (n == TailedFile.AT_END || file.wasAtEnd()) {
        at += finishIfOver(file) ? 0 : 1;
      }
      if (used >= maxBytes) {
        return new Result.More(used);
      }
    }
    return new Result.AtEnd(used);
  }

  private int fill(TailedFile file) throws IOException {
    try {
      return file.isOpen() ? file.fill(context) : TailedFile.AT_END;
    } catch (IOException e) {
      close(file);
      throw e;
    }
  }

  private void split(TailedFile file, int length) {
    LineHandler to = handler();
    int repeated = (int) Math.min(length, file.toRepeat());
    int from = 0;
    if (repeated > 0) {
      from = split(file, 0, repeated, (b, start, end, at) -> to.again(b, start, end), true);
    }
    split(file, from, length, to, false);
  }

  /** Returns where the first byte is that was not dealt with. */
  private int split(TailedFile file, int from, int to, LineHandler handler, boolean isRepeated) {
    LineSplitter splitter = context.splitter();
    long before = splitter.lines();
    splitter.resume(file.skipping(), clean);
    try {
      return splitter.split(context.buffer(), from, to, handler, context.millis());
    } finally {
      took(file, splitter, from, isRepeated ? 0 : splitter.lines() - before);
    }
  }

  private LineHandler handler() {
    LineHandler open = handler;
    if (open == null) {
      open = context.openHandler(label, owner.realPath());
      handler = open;
    }
    return open;
  }

  /** Moves the positions on; those to store only up to whole records. */
  private void took(TailedFile file, LineSplitter splitter, int from, long delivered) {
    clean = splitter.clean();
    boolean broken = splitter.brokenAt() >= 0;
    if (broken) {
      file.commitAhead(splitter.brokenAt() - from);
    }
    int bytes = splitter.end() - from;
    file.advance(bytes, splitter.skipping(), delivered, context.millis());
    context.count(delivered, bytes);
    for (TailedFile each : files) {
      if (clean || broken && !each.equals(file)) {
        each.commit();
      }
    }
  }

  private boolean finishIfOver(TailedFile file) throws IOException {
    if (file.equals(current) || !file.isOpen() || !isOver(file)) {
      return false;
    }
    finish(file);
    return true;
  }

  private boolean isOver(TailedFile file) {
    if (!file.grows()) {
      return true;
    }
    long idle = context.nanos() - file.grewAtNanos();
    if (context.isShortOfFiles() && file.isCommitted() && hasSuccessorWithData(file)) {
      return true;
    }
    if (idle < DRAIN_GRACE.toNanos()) {
      return false;
    }
    if (file.isCommitted() && hasSuccessorWithData(file)) {
      return true;
    }
    return idle >= DETACHED_GRACE.toNanos() && (hasSuccessorWithData(file) || !stillHasName(file));
  }

  private boolean hasSuccessorWithData(TailedFile file) {
    for (int i = files.indexOf(file) + 1; i < files.size(); i++) {
      if (files.get(i).size() > 0) {
        return true;
      }
    }
    return false;
  }

  private boolean stillHasName(TailedFile file) {
    long now = context.nanos();
    if (now - existenceCheckedAt < DRAIN_GRACE.toNanos()) {
      return true;
    }
    existenceCheckedAt = now;
    try {
      return RotatedFiles.steadilyBeside(owner.realPath()).byId(file.id()).isPresent();
    } catch (IOException e) {
      logger.atDebug().addKeyValue("file", label).setCause(e).log("Directory cannot be searched");
      return true;
    }
  }

  /** Delivers what has no line end, and keeps the file among the known ones. */
  void finish(TailedFile file) throws IOException {
    int n = file.fillRest(context);
    if (n > 0) {
      LineHandler to = handler();
      LineSplitter splitter = context.splitter();
      long before = splitter.lines();
      splitter.resume(file.skipping(), clean);
      try {
        splitter.last(context.buffer(), 0, n, to, context.millis());
      } finally {
        took(file, splitter, 0, splitter.lines() - before);
      }
    }
    close(file);
    remove(file);
    known.add(file.savedAtPosition());
  }

  /** Closes a file and keeps its place. */
  void close(TailedFile file) {
    if (file.isOpen()) {
      context.closed();
      try {
        file.close();
      } catch (IOException e) {
        logger.atDebug().addKeyValue("file", label).setCause(e).log("File did not close cleanly");
      }
    }
  }

  void closeAll() {
    files.forEach(this::close);
  }

  /** Tells the handler that nothing will come any more. */
  void end() {
    closeAll();
    for (TailedFile file : List.copyOf(files)) {
      remove(file);
    }
    LineHandler open = handler;
    handler = null;
    if (open != null) {
      open.end();
    }
  }
}
