package io.ipsentry.cli.demo;

import java.time.Duration;
import java.util.OptionalLong;

/**
 * What became of the requests of one client, in slots of equal length. One thread writes, any may
 * read.
 */
public final class DemoTrack {
  private static final int FORBIDDEN = 403;

  private final DemoClient client;
  private final long slotNanos;
  private final int[] answered;
  private final int[] refused;
  private int answers;
  private int refusals;
  private int failures;
  private int beforeRefusal;
  private long firstRefusalNanos = -1;

  /**
   * @param slots how many
   * @param length of all of them
   */
  DemoTrack(DemoClient client, int slots, Duration length) {
    this.client = client;
    slotNanos = Math.max(1, length.toNanos() / slots);
    answered = new int[slots];
    refused = new int[slots];
  }

  /**
   * Takes an answer.
   *
   * @param sinceStart nanoseconds from the client's first request to this answer
   */
  synchronized void answer(long sinceStart, int status) {
    int slot = (int) Math.min(answered.length - 1L, sinceStart / slotNanos);
    if (status == FORBIDDEN) {
      if (firstRefusalNanos < 0) {
        firstRefusalNanos = sinceStart;
        beforeRefusal = answers;
      }
      refusals++;
      refused[slot]++;
    } else {
      answers++;
      answered[slot]++;
    }
  }

  /** Takes a request that got no answer at all. */
  synchronized void failure() {
    failures++;
  }

  public DemoClient client() {
    return client;
  }

  /** What {@link #result} tells. */
  public synchronized Result result() {
    return new Result(
        answers,
        refusals,
        failures,
        firstRefusalNanos < 0 ? OptionalLong.empty() : OptionalLong.of(firstRefusalNanos),
        beforeRefusal);
  }

  /**
   * The numbers of a client.
   *
   * @param answered requests that the application answered, whatever the status
   * @param refused requests that got 403
   * @param failed requests that got no answer
   * @param firstRefusalNanos from the first request to the first refusal
   * @param beforeRefusal requests that were answered before that
   */
  public record Result(
      int answered, int refused, int failed, OptionalLong firstRefusalNanos, int beforeRefusal) {}

  /**
   * A character a slot: {@code .} nothing, {@code #} answered, {@code x} refused, {@code %} both.
   */
  public synchronized String line() {
    StringBuilder line = new StringBuilder(answered.length);
    for (int slot = 0; slot < answered.length; slot++) {
      boolean some = answered[slot] > 0;
      line.append(refused[slot] == 0 ? some ? '#' : '.' : some ? '%' : 'x');
    }
    return line.toString();
  }
}
