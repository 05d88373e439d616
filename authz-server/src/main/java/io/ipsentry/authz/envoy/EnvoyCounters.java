package io.ipsentry.authz.envoy;

import io.ipsentry.authz.transport.CallsInFlight;
import io.ipsentry.authz.transport.LatencyHistogram;
import io.ipsentry.authz.transport.ThreadCounts;
import java.util.concurrent.atomic.LongAdder;

/**
 * What happened to calls and access-log entries since the start. What judgements said is counted
 * where they are made. Safe for any thread.
 */
public final class EnvoyCounters {
  final ThreadCounts allowed = new ThreadCounts(1);
  final LongAdder denied = new LongAdder();
  final LongAdder unavailable = new LongAdder();
  final LongAdder overload = new LongAdder();
  final LongAdder deadline = new LongAdder();
  final LongAdder malformed = new LongAdder();
  final LongAdder cancelled = new LongAdder();
  final LongAdder errors = new LongAdder();
  final CallsInFlight inFlight = new CallsInFlight();
  final LatencyHistogram latency = new LatencyHistogram();
  final LongAdder logStreams = new LongAdder();
  final LongAdder logStreamsRefused = new LongAdder();
  final LongAdder logEntries = new LongAdder();
  final LongAdder logUnauthenticated = new LongAdder();
  final LongAdder logOtherNames = new LongAdder();
  final LongAdder logNotFinal = new LongAdder();
  final LongAdder logConnections = new LongAdder();
  final LongAdder logWithoutAddress = new LongAdder();
  final LongAdder logHits = new LongAdder();
  final LongAdder logHitsLost = new LongAdder();
  final LongAdder logMalformed = new LongAdder();
  final LongAdder logErrors = new LongAdder();
  final LongAdder logMessagesLost = new LongAdder();

  /**
   * The numbers at one time.
   *
   * @param allowed checks that let a request pass
   * @param denied checks that refused one
   * @param unavailable checks that could not be judged
   * @param overload checks refused because too many were running
   * @param deadline checks whose deadline had passed before they were judged
   * @param malformed checks that were no valid message
   * @param cancelled checks that the caller gave up before the answer
   * @param errors checks that failed for a fault of ours; among the unavailable ones too
   * @param inFlight checks that have begun and are not answered
   * @param latency from the first byte of a check to its answer
   */
  public record Snapshot(
      long allowed,
      long denied,
      long unavailable,
      long overload,
      long deadline,
      long malformed,
      long cancelled,
      long errors,
      int inFlight,
      LatencyHistogram.Snapshot latency) {}

  /**
   * The numbers of the access-log service at one time.
   *
   * @param streams opened
   * @param streamsRefused because too many were open
   * @param entries about requests that are over
   * @param unauthenticated of those, from callers that are not trusted: not judged
   * @param otherNames of those, of logs that no source takes: not judged
   * @param notFinal about requests that went on: not judged
   * @param connections about connections: not judged
   * @param withoutAddress hits whose client could not be told
   * @param hits found
   * @param hitsLost of those, for which there was no room
   * @param malformed messages that were none
   * @param errors messages that failed for a fault of ours
   * @param messagesLost messages for which there was no room
   */
  public record LogSnapshot(
      long streams,
      long streamsRefused,
      long entries,
      long unauthenticated,
      long otherNames,
      long notFinal,
      long connections,
      long withoutAddress,
      long hits,
      long hitsLost,
      long malformed,
      long errors,
      long messagesLost) {}

  /** The numbers of the access-log service now. */
  public LogSnapshot logSnapshot() {
    return new LogSnapshot(
        logStreams.sum(),
        logStreamsRefused.sum(),
        logEntries.sum(),
        logUnauthenticated.sum(),
        logOtherNames.sum(),
        logNotFinal.sum(),
        logConnections.sum(),
        logWithoutAddress.sum(),
        logHits.sum(),
        logHitsLost.sum(),
        logMalformed.sum(),
        logErrors.sum(),
        logMessagesLost.sum());
  }

  /** The numbers now; each is exact, but they are not of one moment. */
  public Snapshot snapshot() {
    return new Snapshot(
        allowed.sum(0),
        denied.sum(),
        unavailable.sum(),
        overload.sum(),
        deadline.sum(),
        malformed.sum(),
        cancelled.sum(),
        errors.sum(),
        inFlight.count(),
        latency.snapshot());
  }
}
