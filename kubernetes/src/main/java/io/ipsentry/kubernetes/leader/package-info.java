/**
 * Who does the work of a release: one of its watchers, by a Lease (ADR 0028).
 *
 * <p>The Lease only saves work. What keeps the log right is that each append names the head it has
 * seen, so two leaders, or one that was paused, do no harm.
 */
@NullMarked
package io.ipsentry.kubernetes.leader;

import org.jspecify.annotations.NullMarked;
