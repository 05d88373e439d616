/** What tests of several modules share: conditions for real parts, and network namespaces. */
@NullMarked
package io.ipsentry.testing;

import org.jspecify.annotations.NullMarked;
