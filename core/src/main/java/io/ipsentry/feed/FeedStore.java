package io.ipsentry.feed;

import io.ipsentry.net.PrefixSet;
import java.util.List;

/**
 * Where the contents of feeds are kept beside the log, and what must be known to go on: so that a
 * restart, or another process that leads, neither forgets them nor fetches them again. Safe for any
 * thread; one process writes at a time.
 *
 * <p>All methods throw {@link FeedStoreException} if what is kept cannot be reached.
 */
public interface FeedStore {
  /**
   * A content that is kept.
   *
   * @param digest {@link FeedCodec#digest}
   * @param entries number of its prefixes
   */
  record Stored(String digest, int entries) {}

  /** What is known of each feed, in order of their names; a record that is damaged is left out. */
  List<FeedRecord> records();

  /**
   * Replaces what is known of a feed. Contents that neither it nor the log names may be dropped.
   */
  void keep(FeedRecord record);

  /** Forgets a feed. */
  void forget(String feed);

  /** Keeps a content; nothing is written if it is there. Others of the feed stay, for a while. */
  Stored put(String feed, PrefixSet prefixes);

  /**
   * Reads a content.
   *
   * @throws InvalidFeedException if it is not there, or not as its digest says
   */
  PrefixSet get(String feed, String digest);
}
