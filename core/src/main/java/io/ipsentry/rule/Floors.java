package io.ipsentry.rule;

/** Tells from when on hits of an address count again. */
public interface Floors {
  /** No address was ever banned. */
  Floors NONE = (rule, hi, lo) -> Long.MIN_VALUE;

  /**
   * The floor of an address: hits with an event time at or before it never count.
   *
   * @param rule that counts: bans of other scopes do not concern it
   * @return epoch milliseconds; {@link Long#MIN_VALUE} when it has none; {@link Long#MAX_VALUE}
   *     while it is banned for ever
   */
  long floorMillis(Rule rule, long hi, long lo);
}
