package io.ipsentry.watcher.source;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a source reads and how far it has come.
 *
 * @param name {@link LineSource#name()}
 * @param kind {@code file}, {@code stdin}, {@code journal} or {@code pods}
 * @param lines lines delivered since the start of the process
 * @param bytes bytes delivered since the start of the process, line ends included
 * @param linesPerSecond average over about the last {@value RateMeter#MEMORY_SECONDS} s
 * @param lagBytes bytes that are there and not yet delivered, over all streams
 * @param lastLineAt when a line was delivered last; null before the first
 * @param errors failures since the start of the process, such as refused opens
 * @param problems what is wrong now, in words for the operator; empty when all is well
 * @param streams one for each file, renamed ones that are still read included, or each container
 * @param pods of a source of pods; empty: it is another
 */
public record SourceStatus(
    String name,
    String kind,
    long lines,
    long bytes,
    double linesPerSecond,
    long lagBytes,
    @Nullable Instant lastLineAt,
    long errors,
    List<String> problems,
    List<StreamStatus> streams,
    Optional<PodNumbers> pods) {
  public SourceStatus {
    problems = List.copyOf(problems);
    streams = List.copyOf(streams);
  }

  /** Of a source of anything but pods. */
  public SourceStatus(
      String name,
      String kind,
      long lines,
      long bytes,
      double linesPerSecond,
      long lagBytes,
      @Nullable Instant lastLineAt,
      long errors,
      List<String> problems,
      List<StreamStatus> streams) {
    this(
        name,
        kind,
        lines,
        bytes,
        linesPerSecond,
        lagBytes,
        lastLineAt,
        errors,
        problems,
        streams,
        Optional.empty());
  }

  /** The same with other streams. */
  public SourceStatus withStreams(List<StreamStatus> others) {
    return new SourceStatus(
        name,
        kind,
        lines,
        bytes,
        linesPerSecond,
        lagBytes,
        lastLineAt,
        errors,
        problems,
        others,
        pods);
  }
}
