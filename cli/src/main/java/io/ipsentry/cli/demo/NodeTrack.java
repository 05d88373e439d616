package io.ipsentry.cli.demo;

import java.time.Duration;
import java.util.OptionalLong;

/**
 * What became of the requests of one client at one node, in slots of equal length. Safe for any
 * thread.
 */
public final class NodeTrack {
  private static final int FORBIDDEN = 403;

  private final long slotNanos;
  private final int[] answered;
  private final int[] refused;
  private final int[] dropped;
  private int unanswered;
  private long firstRefusal = Long.MAX_VALUE;
  private long firstDrop = Long.MAX_VALUE;

  /**
   * @param slots how many
   * @param length of all of them
   */
  NodeTrack(int slots, Duration length) {
    slotNanos = Math.max(1, length.toNanos() / slots);
    answered = new int[slots];
    refused = new int[slots];
    dropped = new int[slots];
  }

  /**
   * Takes what became of a request.
   *
   * @param sent nanoseconds from the beginning to the request
   * @param done the same to its answer
   */
  synchronized void answer(long sent, long done, int status) {
    if (status == FORBIDDEN) {
      firstRefusal = Math.min(firstRefusal, done);
      refused[slot(sent)]++;
    } else {
      answered[slot(sent)]++;
    }
  }

  /** Takes a request that was not answered in time although nobody dropped it. */
  synchronized void late() {
    unanswered++;
  }

  /** Takes a request that the kernel dropped. */
  synchronized void drop(long sent) {
    firstDrop = Math.min(firstDrop, sent);
    dropped[slot(sent)]++;
  }

  private int slot(long sent) {
    return (int) Math.min(answered.length - 1L, sent / slotNanos);
  }

  /** What {@link #result} tells. */
  public synchronized Result result() {
    return new Result(
        sum(answered),
        sum(refused),
        sum(dropped),
        unanswered,
        optional(firstRefusal),
        optional(firstDrop));
  }

  private static int sum(int[] slots) {
    int sum = 0;
    for (int slot : slots) {
      sum += slot;
    }
    return sum;
  }

  private static OptionalLong optional(long nanos) {
    return nanos == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(nanos);
  }

  /**
   * The numbers.
   *
   * @param answered requests that the application answered, whatever the status
   * @param refused requests that the gateway refused: 403
   * @param dropped requests that nobody answered, for the node's kernel dropped them
   * @param unanswered those that nobody answered in time, for another reason
   * @param firstRefusalNanos from the beginning to the first refusal
   * @param firstDropNanos from the beginning to the moment when the first one was sent that was
   *     dropped
   */
  public record Result(
      int answered,
      int refused,
      int dropped,
      int unanswered,
      OptionalLong firstRefusalNanos,
      OptionalLong firstDropNanos) {}

  /**
   * A character a slot, for the worst that became of its requests: {@code .} nothing was sent,
   * {@code #} answered, {@code x} refused, {@code !} dropped.
   */
  public synchronized String line() {
    StringBuilder line = new StringBuilder(answered.length);
    for (int slot = 0; slot < answered.length; slot++) {
      char mark = answered[slot] > 0 ? '#' : '.';
      mark = refused[slot] > 0 ? 'x' : mark;
      line.append(dropped[slot] > 0 ? '!' : mark);
    }
    return line.toString();
  }
}
