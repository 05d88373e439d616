/** What becomes of attacks and of faults in a whole cluster, which {@code Stage} builds. */
@NullMarked
package io.ipsentry.conformance.stage;

import org.jspecify.annotations.NullMarked;
