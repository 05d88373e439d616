/** The shared log on a real API server, in trouble, and processes that follow it. */
@NullMarked
package io.ipsentry.conformance.cluster;

import org.jspecify.annotations.NullMarked;
