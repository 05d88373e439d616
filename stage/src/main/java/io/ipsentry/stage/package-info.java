/**
 * A cluster on one machine: network namespaces as nodes and pods, a real control plane, real nginx
 * as gateways, the processes of ip-sentry, and a world outside of it.
 *
 * <p>Needs root, nginx, iptables-legacy, ipset, and the programs of a cluster ({@code
 * RequiresCluster}). Touches nothing outside of the namespaces that it makes.
 */
@NullMarked
package io.ipsentry.stage;

import org.jspecify.annotations.NullMarked;
