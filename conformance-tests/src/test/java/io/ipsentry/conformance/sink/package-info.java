/** Sinks of real processes, told to servers of the test's. */
@NullMarked
package io.ipsentry.conformance.sink;

import org.jspecify.annotations.NullMarked;
