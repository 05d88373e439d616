package io.ipsentry.watcher.source;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * What the files of one source share: the buffer, the clocks, the counters, and who reads which
 * file. Confined to the polling thread.
 */
final class ReadContext {
  /**
   * Large enough that a system call costs little per line, small enough for the processor's cache.
   */
  static final int BUFFER_BYTES = 256 * 1024;

  private final byte[] buffer = new byte[BUFFER_BYTES];
  private final byte[] probe = new byte[Fingerprint.MAX_BYTES];
  private final LineSplitter splitter = new LineSplitter();
  private final String source;
  private final LineHandlerFactory handlers;
  private final InstantSource clock;
  private final LongSupplier nanoTicker;
  private final Map<FileId, FollowedPath> owners = new HashMap<>();
  private final Map<Path, FollowedPath> followed = new LinkedHashMap<>();
  private long lines;
  private long bytes;
  private long errors;
  private long lastLineAtMillis = -1;
  private int openFiles;
  private boolean shortOfFiles;

  ReadContext(
      String source, LineHandlerFactory handlers, InstantSource clock, LongSupplier nanoTicker) {
    this.source = source;
    this.handlers = handlers;
    this.clock = clock;
    this.nanoTicker = nanoTicker;
  }

  String source() {
    return source;
  }

  LineHandler openHandler(String label, Path file) {
    return handlers.open(new StreamInfo(source, label, file));
  }

  byte[] buffer() {
    return buffer;
  }

  byte[] probe() {
    return probe;
  }

  LineSplitter splitter() {
    return splitter;
  }

  long millis() {
    return clock.millis();
  }

  long nanos() {
    return nanoTicker.getAsLong();
  }

  LongSupplier nanoTicker() {
    return nanoTicker;
  }

  /** Which path's stream a file belongs to, by the file. */
  Map<FileId, FollowedPath> owners() {
    return owners;
  }

  /** All paths of the source, by path, in the order they were found. */
  Map<Path, FollowedPath> followed() {
    return followed;
  }

  void count(long moreLines, long moreBytes) {
    lines += moreLines;
    bytes += moreBytes;
    if (moreLines > 0) {
      lastLineAtMillis = millis();
    }
  }

  void countError() {
    errors++;
  }

  /** While true, rotated files are let go as soon as they are read. */
  boolean isShortOfFiles() {
    return shortOfFiles;
  }

  void shortOfFiles(boolean isShort) {
    shortOfFiles = isShort;
  }

  void opened() {
    openFiles++;
  }

  void closed() {
    openFiles--;
  }

  int openFiles() {
    return openFiles;
  }

  long lines() {
    return lines;
  }

  long bytes() {
    return bytes;
  }

  long errors() {
    return errors;
  }

  /** -1 before the first line. */
  long lastLineAtMillis() {
    return lastLineAtMillis;
  }
}
