package io.ipsentry.watcher.feed;

import io.ipsentry.feed.FeedAction;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a feed is.
 *
 * @param origin where it comes from; a URL without its query, which may hold a secret
 * @param entries prefixes in force
 * @param spared prefixes that are protected or allowed and have addresses in it: it is enforced
 *     around them
 * @param changedAt since when it has this content; null: it has none
 * @param confirmedAt when its source last said so; null: never yet
 * @param nextAt when it is fetched next; null: it is being fetched
 * @param failures fetches in a row that failed or were refused; 0: the last one did well
 * @param fetches since it is known here
 * @param failed of them, those that failed
 * @param refused of them, lists that were not believed
 * @param badLines of the list in force, entries that could not be read
 * @param problem why the last one failed or was refused, for people; empty: it did well
 */
public record FeedStatus(
    String name,
    String origin,
    FeedAction action,
    int entries,
    int spared,
    @Nullable Instant changedAt,
    @Nullable Instant confirmedAt,
    @Nullable Instant nextAt,
    int failures,
    long fetches,
    long failed,
    long refused,
    int badLines,
    String problem) {
  /** The same, but for what it spares. */
  FeedStatus sparing(int prefixes) {
    return new FeedStatus(
        name,
        origin,
        action,
        entries,
        prefixes,
        changedAt,
        confirmedAt,
        nextAt,
        failures,
        fetches,
        failed,
        refused,
        badLines,
        problem);
  }
}
