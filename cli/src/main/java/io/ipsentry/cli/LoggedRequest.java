package io.ipsentry.cli;

import io.ipsentry.net.IpPrefix;
import java.time.Instant;
import java.util.Optional;

/**
 * A request as a line of a log tells of it.
 *
 * @param time event time of the line; empty: it has none
 * @param path {@link io.ipsentry.authz.verdict.PathHash} of its target
 * @param client its address; empty: the line tells none
 */
record LoggedRequest(Optional<Instant> time, long path, Optional<IpPrefix> client) {}
