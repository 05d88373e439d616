/** Tests that cross modules. */
@NullMarked
package io.ipsentry.conformance;

import org.jspecify.annotations.NullMarked;
