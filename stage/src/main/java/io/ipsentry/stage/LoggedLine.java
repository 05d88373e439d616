package io.ipsentry.stage;

import java.time.Instant;

/**
 * A line of a container, as its runtime took it.
 *
 * @param node number of the node
 * @param container {@code nginx} of the gateway, {@code shop} of the application
 * @param stamp the runtime's, which the kubelet tells
 * @param nanos {@link System#nanoTime} of then
 */
public record LoggedLine(int node, String container, Instant stamp, long nanos, String line) {}
