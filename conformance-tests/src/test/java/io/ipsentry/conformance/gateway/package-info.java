/** Real gateways in front, the real program behind their logs. */
@NullMarked
package io.ipsentry.conformance.gateway;

import org.jspecify.annotations.NullMarked;
