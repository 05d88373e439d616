package io.ipsentry.kubernetes.blocklist;

import java.time.Instant;

/**
 * Which state a blocklist shows: its entry {@code _version}.
 *
 * @param version number of the last event that it shows; 0: of none
 * @param at the moment whose bans it shows, whole seconds
 */
record DocumentStamp(long version, Instant at) {
  /** Key of the entry; it has expired, so that older tools skip it. */
  static final String KEY = "_version";

  /** Tells people what the entry is for. */
  static final String REASON = "document version; keep this entry";

  /** When the entry expired. */
  static final String EXPIRED = "1970-01-01T00:00:00Z";
}
