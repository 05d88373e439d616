package io.ipsentry.sink;

import io.ipsentry.net.IpPrefix;

/**
 * An entry of ours in a {@link StateSink}.
 *
 * @param target what it refuses
 * @param id the sink's name of it
 * @param ban number of the event of the ban it was made for; 0: it does not tell
 * @param asConfigured whether it does to clients what is configured now
 */
public record SinkEntry(IpPrefix target, String id, long ban, boolean asConfigured) {}
