/** Bans in a real kernel, in network namespaces that the tests make. */
@NullMarked
package io.ipsentry.conformance.kernel;

import org.jspecify.annotations.NullMarked;
