package io.ipsentry.banlog;

import java.time.Instant;
import java.util.List;

/**
 * A part of a listing. All pages of a listing show the same moment, whatever is written meanwhile.
 *
 * @param entries newest first
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
