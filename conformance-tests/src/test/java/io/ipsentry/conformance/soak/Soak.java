package io.ipsentry.conformance.soak;

import io.ipsentry.conformance.soak.Asking.Answer;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;

/** What the threads of a soak share. Safe for any thread. */
final class Soak {
  final long seed;
  final Asking asking;
  final Operator operator;
  final Timeline<Variant> variants;

  /** Verdicts that were compared with the one that was right. */
  final LongAdder exact = new LongAdder();

  /** Verdicts on clients at the end of a ban: that it was over in between cannot be told. */
  final LongAdder atTheEndOfBans = new LongAdder();

  private final long endNanos;
  private volatile boolean broken;

  Soak(long seed, Asking asking, Operator operator, Timeline<Variant> variants, long endNanos) {
    this.seed = seed;
    this.asking = asking;
    this.operator = operator;
    this.variants = variants;
    this.endNanos = endNanos;
  }

  /** False when the time is up, or another thread has failed. */
  boolean goesOn() {
    return !broken && System.nanoTime() - endNanos < 0;
  }

  /** Part of a soak, which runs on a thread of its own until {@link #goesOn} is false. */
  interface Part {
    void run() throws Exception;

    /**
     * Takes what it knows out of the bans that stand at last, when no part runs any more.
     *
     * @throws AssertionError if one stands that should not, or the other way round
     */
    default void settle(Set<String> bans) {}
  }

  /** Runs a part; if it fails, the others end as well. */
  void run(Part part) throws Exception {
    boolean done = false;
    try {
      part.run();
      done = true;
    } finally {
      broken |= !done;
    }
  }

  /** The refusal must be worded as it was configured at some moment of the request. */
  void checkText(Answer answer, String client) {
    if (!answer.text().isEmpty()) {
      Set<Variant> possible = variants.possible(answer.fromNanos(), answer.toNanos());
      if (possible.stream().noneMatch(variant -> variant.text().equals(answer.text()))) {
        throw new AssertionError(
            "seed %d: %s was refused with %s under %s"
                .formatted(seed, client, answer.text(), possible));
      }
    }
  }
}
