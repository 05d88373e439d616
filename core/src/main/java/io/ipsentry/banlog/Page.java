package io.ipsentry.banlog;

import java.time.Instant;
import java.util.List;

/**
 * A part of a listing.
 *
 * <p>All pages of a listing are about the same moment, so that nothing drops out because time
 * passes. What stays in the log is on exactly one page; what is written meanwhile may be on a page
 * or not.
 *
 * @param entries in order of their prefixes
 * @param next token that gets the next page; empty: this was the last one
 * @param total entries of the whole listing
 * @param at the moment that is shown
 * @param head number of the last event that was taken into account
 */
public record Page<T>(List<T> entries, String next, long total, Instant at, long head) {
  /** Copies the list. */
  public Page {
    entries = List.copyOf(entries);
  }
}
