/** Benchmarks on a real API server. */
@NullMarked
package io.ipsentry.bench.cluster;

import org.jspecify.annotations.NullMarked;
