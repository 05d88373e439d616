/** {@code run} over time: kills, restarts, changes of the configuration. */
@NullMarked
package io.ipsentry.conformance.run;

import org.jspecify.annotations.NullMarked;
