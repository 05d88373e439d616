/** Other systems' configurations and ours, over the same lines. */
@NullMarked
package io.ipsentry.conformance.migrate;

import org.jspecify.annotations.NullMarked;
