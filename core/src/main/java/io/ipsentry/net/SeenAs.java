package io.ipsentry.net;

/**
 * How an address came to be known, which decides where a ban of it can be enforced.
 *
 * <p>Only {@link #PEER}, {@link #MANUAL} and {@link #FEED} bans go to the kernel: a {@link
 * #FORWARDED} address never stands in a packet that a node sees, so its ban holds at the gateway
 * and the edge.
 */
public enum SeenAs {
  /** Source address of the packets that reached the gateway. */
  PEER("peer"),
  /** Taken from a header that a trusted proxy set. */
  FORWARDED("forwarded"),
  /** Named by a person. */
  MANUAL("manual"),
  /** Member of a feed. */
  FEED("feed");

  private final String wireName;

  SeenAs(String wireName) {
    this.wireName = wireName;
  }

  /** Value of {@code seen_as} in an event, such as {@code peer}. */
  public String wireName() {
    return wireName;
  }
}
