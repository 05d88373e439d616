/** Benchmarks; each class says what it measures and how to run it. */
@NullMarked
package io.ipsentry.bench;

import org.jspecify.annotations.NullMarked;
