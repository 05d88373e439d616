/** Logs of pods through a real API server, from kubelets of the test's own. */
@NullMarked
package io.ipsentry.conformance.pods;

import org.jspecify.annotations.NullMarked;
