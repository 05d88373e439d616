/** Everything at once for a long time: real parts, every verdict compared with a model. */
@NullMarked
package io.ipsentry.conformance.soak;

import org.jspecify.annotations.NullMarked;
