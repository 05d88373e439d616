package io.ipsentry.sink;

import java.time.Instant;
import java.util.Optional;

/**
 * How a sink is doing.
 *
 * @param name as configured
 * @param kind such as {@code cloudflare}
 * @param position number of the event up to which everything was taken there
 * @param backlog events behind it
 * @param pending changes that are known to be needed and not made yet; 0 for one of events
 * @param entries entries of ours there, as last known; 0 for one of events
 * @param leftOut bans that have no entry there, and why is no failure; 0 for one of events
 * @param delivered events taken, or changes made, since it began
 * @param passedOver events that it was never told of: no longer kept, or not taken whatever was
 *     tried
 * @param failures since it began
 * @param problem why it cannot go on; empty: it can
 * @param lastError the last failure, over or not; empty: there was none
 * @param lastErrorAt when that was
 * @param lastDone when something was taken or found to be right last
 */
public record SinkStatus(
    String name,
    String kind,
    long position,
    long backlog,
    long pending,
    long entries,
    long leftOut,
    long delivered,
    long passedOver,
    long failures,
    String problem,
    String lastError,
    Optional<Instant> lastErrorAt,
    Optional<Instant> lastDone) {}
