/** The shared log on a real API server, in trouble. */
@NullMarked
package io.ipsentry.conformance.cluster;

import org.jspecify.annotations.NullMarked;
