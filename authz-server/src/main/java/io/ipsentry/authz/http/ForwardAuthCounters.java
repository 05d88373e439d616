package io.ipsentry.authz.http;

import io.ipsentry.authz.transport.LatencyHistogram;
import io.ipsentry.authz.transport.ThreadCounts;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * What happened to calls and connections since the start. What judgements said is counted where
 * they are made. Safe for any thread.
 */
public final class ForwardAuthCounters {
  final ThreadCounts allowed = new ThreadCounts(1);
  final LongAdder denied = new LongAdder();
  final LongAdder unavailable = new LongAdder();
  final LongAdder failOpen = new LongAdder();
  final LongAdder overload = new LongAdder();
  final LongAdder errors = new LongAdder();
  final LongAdder malformed = new LongAdder();
  final LongAdder tooLarge = new LongAdder();
  final LongAdder notFound = new LongAdder();
  final LongAdder timedOut = new LongAdder();
  final LongAdder connectionsAccepted = new LongAdder();
  final LongAdder connectionsRefused = new LongAdder();
  final AtomicInteger connections = new AtomicInteger();
  final AtomicInteger inFlight = new AtomicInteger();
  final LatencyHistogram latency = new LatencyHistogram();

  /**
   * The numbers at one time.
   *
   * @param allowed calls that let a request pass, those in shadow mode included
   * @param denied calls that refused one
   * @param unavailable calls that could not be judged and were answered 503
   * @param failOpen calls that could not be judged and were answered 200, because that was chosen
   * @param overload calls that were not judged because too many were running; among the two before
   * @param errors calls that were not judged for a fault of ours; among the same two
   * @param malformed calls that were no valid HTTP/1.1
   * @param tooLarge calls whose line or headers were beyond the limits, answered 414 or 431
   * @param notFound calls of a path that is not served
   * @param timedOut connections closed because a client was too slow, or silent for too long
   * @param connectionsAccepted connections since the start
   * @param connectionsRefused connections closed at once because there were too many
   * @param connections open now
   * @param inFlight calls that have begun and whose body is not read or answer not written
   * @param latency from the headers of a call to its answer
   */
  public record Snapshot(
      long allowed,
      long denied,
      long unavailable,
      long failOpen,
      long overload,
      long errors,
      long malformed,
      long tooLarge,
      long notFound,
      long timedOut,
      long connectionsAccepted,
      long connectionsRefused,
      int connections,
      int inFlight,
      LatencyHistogram.Snapshot latency) {}

  /** The numbers now; each is exact, but they are not of one moment. */
  public Snapshot snapshot() {
    return new Snapshot(
        allowed.sum(0),
        denied.sum(),
        unavailable.sum(),
        failOpen.sum(),
        overload.sum(),
        errors.sum(),
        malformed.sum(),
        tooLarge.sum(),
        notFound.sum(),
        timedOut.sum(),
        connectionsAccepted.sum(),
        connectionsRefused.sum(),
        connections.get(),
        inFlight.get(),
        latency.snapshot());
  }
}
