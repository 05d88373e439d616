/** The HTTP server for gateways against nginx that answers 200 by itself. */
@NullMarked
package io.ipsentry.bench.forwardauth;

import org.jspecify.annotations.NullMarked;
