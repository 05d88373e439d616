package io.ipsentry.ban;

/**
 * An event with its place in the ban log.
 *
 * @param seq 1 for the first event of the log, without gaps; also the id of a ban
 */
public record SequencedEvent(long seq, BanEvent event) {
  /** Checks the number. */
  public SequencedEvent {
    if (seq < 1) {
      throw new IllegalArgumentException("sequence numbers start at 1, is " + seq);
    }
  }
}
