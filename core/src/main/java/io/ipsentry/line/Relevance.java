package io.ipsentry.line;

/**
 * Says from the first facts of a line whether it can still be a hit, so that a format need not read
 * the rest of a line that is none.
 *
 * <p>An answer of false is final: nothing further in the line may make it a hit. Asked at most a
 * few times a line. Confined to the thread that parses.
 */
public interface Relevance {
  /** {@link RequestFacts#status()} will not change. */
  int STATUS = 1;

  /** {@link RequestFacts#originStatus()} will not change. */
  int ORIGIN_STATUS = 2;

  /** {@link RequestFacts#target()} will not change. */
  int TARGET = 4;

  /** Every line may be a hit: all of it is read. */
  Relevance ALL = (facts, known) -> true;

  /**
   * Whether the line can still be a hit.
   *
   * @param facts of which only those named by {@code known} may be looked at
   * @param known {@link #STATUS}, {@link #ORIGIN_STATUS} and {@link #TARGET}, added up
   */
  boolean mayHit(RequestFacts facts, int known);
}
