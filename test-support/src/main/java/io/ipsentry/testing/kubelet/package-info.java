/** A kubelet of a test's own, as far as an API server reads logs from it. */
@NullMarked
package io.ipsentry.testing.kubelet;

import org.jspecify.annotations.NullMarked;
